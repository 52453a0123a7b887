"""`playground`: a local page on which an event and settings are edited, and all that comes of them is seen."""
