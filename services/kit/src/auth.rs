//! Bearer tokens (RFC 6750). They are shared secrets that operators and services present to a
//! service.

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

/// The fewest bytes of a token that a configuration accepts.
pub const MIN_TOKEN_BYTES: usize = 16;

/// A token that callers must present. Its memory is cleared when it is dropped.
pub struct BearerToken(Zeroizing<String>);

impl BearerToken {
    /// Makes a token from `text`. Returns `None` if `text` is shorter than [`MIN_TOKEN_BYTES`].
    pub fn new(text: Zeroizing<String>) -> Option<Self> {
        (text.len() >= MIN_TOKEN_BYTES).then_some(Self(text))
    }

    /// Checks the `Authorization` header. The time depends on the length of the presented token,
    /// but not on its bytes.
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

    /// The value of the `Authorization` header that presents this token.
    pub fn header_value(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", *self.0))
    }

    /// Adds a layer to `router` that refuses requests without this token.
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

/// An extractor that demands the token of the state. It serves paths where only some methods need
/// the token.
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
