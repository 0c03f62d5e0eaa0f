//! The identifier of the request that a task answers. Logs and problems carry it.

use axum::http::{HeaderMap, HeaderName};
use uuid::Uuid;

/// The header that carries the identifier in requests and in answers.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: String;
}

/// Runs `future`, which answers the request with this identifier.
pub(crate) async fn scope<F: Future>(id: String, future: F) -> F::Output {
    CURRENT.scope(id, future).await
}

/// The identifier of the request that this task answers. `None` if it answers no request.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// The caller's identifier, if it has 1 to 64 letters, digits and hyphens. Otherwise a new
/// identifier.
pub(crate) fn of(headers: &HeaderMap) -> String {
    let plain = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let given = headers.get(HEADER).and_then(|value| value.to_str().ok()).filter(plain);
    given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}
