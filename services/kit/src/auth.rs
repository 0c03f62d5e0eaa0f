//! Bearer tokens (RFC 6750): shared secrets that operators and services present to a service.

use std::{fmt, sync::Arc};

use api::ProblemKind;
use axum::{
    Router,
    extract::{FromRef, FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::{self, Next},
    response::Response,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Error, Result};

/// The shortest token accepted in a configuration.
pub const MIN_TOKEN_BYTES: usize = 16;

/// A token that callers must present.
pub struct BearerToken(Zeroizing<String>);

impl BearerToken {
    /// The token with this text, unless it is shorter than [`MIN_TOKEN_BYTES`].
    pub fn new(text: Zeroizing<String>) -> Option<Self> {
        (text.len() >= MIN_TOKEN_BYTES).then_some(Self(text))
    }

    /// Checks the `Authorization` header. Constant-time in the token's bytes, not in its length.
    ///
    /// # Errors
    /// An abort of kind `unauthorised`.
    pub fn check(&self, headers: &HeaderMap) -> Result<()> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(7));
        match given {
            Some((scheme, token))
                if scheme.eq_ignore_ascii_case(b"bearer ") && bool::from(token.ct_eq(self.0.as_bytes())) =>
            {
                Ok(())
            }
            _ => Err(Error::abort(ProblemKind::Unauthorised)),
        }
    }

    /// The value to send as `Authorization`.
    pub fn header_value(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", *self.0))
    }

    /// Refuses requests to the routes of `router` that do not carry this token.
    pub fn protect<S: Clone + Send + Sync + 'static>(self: Arc<Self>, router: Router<S>) -> Router<S> {
        router.route_layer(middleware::from_fn_with_state(self, demand))
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(redacted)")
    }
}

async fn demand(State(token): State<Arc<BearerToken>>, request: Request, next: Next) -> Result<Response> {
    token.check(request.headers())?;
    Ok(next.run(request).await)
}

/// Extractor for paths where only some methods need the token, which the state holds.
#[derive(Clone, Copy, Debug)]
pub struct Bearer;

impl<S: Send + Sync> FromRequestParts<S> for Bearer
where
    Arc<BearerToken>: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        Arc::<BearerToken>::from_ref(state).check(&parts.headers)?;
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_passes() {
        let token = BearerToken::new(Zeroizing::new("0123456789abcdef".into())).unwrap();
        let check = |value: &str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
            token.check(&headers).is_ok()
        };
        assert!(check("Bearer 0123456789abcdef"));
        assert!(check("bearer 0123456789abcdef"));
        assert!(!check("Bearer 0123456789abcdeg"));
        assert!(!check("Bearer 0123456789abcde"));
        assert!(!check("Bearer 0123456789abcdef0"));
        assert!(!check("Basic 0123456789abcdef"));
        assert!(!check("Bearer "));
        assert!(token.check(&HeaderMap::new()).is_err());
    }

    #[test]
    fn short_tokens_are_refused_and_none_is_printed() {
        assert!(BearerToken::new(Zeroizing::new("0123456789abcde".into())).is_none());
        let token = BearerToken::new(Zeroizing::new("0123456789abcdef".into())).unwrap();
        assert!(!format!("{token:?}").contains("0123"));
    }
}
