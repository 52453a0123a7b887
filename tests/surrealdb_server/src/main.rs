//! A SurrealDB server with the in-memory store and JWKS over HTTP, for the tests.
use std::process::ExitCode;

fn main() -> ExitCode {
    surrealdb_server::init(surrealdb_server::core::CommunityComposer())
}
