"""PostgREST, Supabase and plain PostgreSQL: one role and one user in `request.jwt.claims`."""
