//! Tests of a service as its callers see it: problems, limits, identifiers, start and end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{path::PathBuf, sync::Arc, time::Duration};

use api::{Hex, Problem, ProblemKind};
use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
    routing::{get, post, put},
};
use kit::{
    Result,
    auth::BearerToken,
    config::{ListenConfig, TlsConfig},
    extract::{Json, Path, Query},
    health, serve, shutdown,
};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    lines: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    amount: u32,
}

#[derive(Deserialize)]
struct Page {
    limit: u32,
}

fn router() -> Router {
    let secret = Arc::new(BearerToken::new("0123456789abcdef".to_owned().into()).unwrap());
    Router::new()
        .route("/order", post(async |Json(order): Json<Order>| order.lines[0].amount.to_string()))
        .route("/hash/{hash}", get(async |Path(Hex(hash)): Path<Hex<4>>| hash[0].to_string()))
        .route("/page", get(async |Query(page): Query<Page>| page.limit.to_string()))
        .route("/panic", get(panics))
        .route("/slow", get(slow).put(slow))
        .route("/upload", put(async |body: String| body))
        .merge(secret.protect(Router::new().route("/secret", get(async || "open"))))
        .merge(health::router(Vec::new()))
}

async fn panics() -> Result<()> {
    panic!("the secret detail")
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_millis(200)).await;
    "done"
}

fn config() -> ListenConfig {
    ListenConfig { request_timeout_ms: 100, max_in_flight: 1, ..ListenConfig::default() }
}

async fn send(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

async fn problem(router: &Router, request: Request<Body>) -> (ProblemKind, Option<String>, Option<String>) {
    let response = send(router, request).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let status = response.status().as_u16();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem.status, status);
    assert_eq!(problem.request_id, Some(id));
    assert!(!String::from_utf8_lossy(&body).contains("the secret detail"));
    (problem.kind().unwrap(), problem.field, problem.rule)
}

fn at(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn order(body: &str) -> Request<Body> {
    let request = Request::post("/order").header(header::CONTENT_TYPE, "application/json; charset=utf-8");
    request.body(Body::from(body.to_owned())).unwrap()
}

#[tokio::test]
async fn a_wrong_body_is_a_problem_that_names_the_field() {
    let router = serve::guard(router(), &config());
    assert_eq!(send(&router, order(r#"{"lines":[{"amount":7}]}"#)).await.status(), StatusCode::OK);
    for (body, field) in [
        (r#"{"lines":[{"amount":7},{"amount":-1}]}"#, "lines[1].amount"),
        (r#"{"lines":[{"amount":7},{}]}"#, "lines[1].amount"),
        (r#"{"lines":[{"amount":7,"extra":1}]}"#, "lines[0].extra"),
        (r#"{}"#, "lines"),
        (r#"{"lines":"#, "lines"),
        (r#"{"lines":[]} x"#, "."),
    ] {
        let (kind, found, rule) = problem(&router, order(body)).await;
        assert_eq!((kind, found.as_deref()), (ProblemKind::MalformedRequest, Some(field)), "{body}");
        assert!(rule.is_some());
    }
}

#[tokio::test]
async fn a_wrong_media_type_and_a_body_too_large_are_problems() {
    let router = serve::guard(router(), &config());
    let mut plain = order("{}");
    plain.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    assert_eq!(problem(&router, plain).await.0, ProblemKind::UnsupportedMediaType);
    let large = order(&format!("\"{}\"", "x".repeat(3 << 20)));
    assert_eq!(problem(&router, large).await.0, ProblemKind::PayloadTooLarge);
}

#[tokio::test]
async fn wrong_parameters_are_problems_that_name_them() {
    let router = serve::guard(router(), &config());
    assert_eq!(send(&router, at("/hash/01020304")).await.status(), StatusCode::OK);
    for path in ["/hash/010203", "/hash/0102030405", "/hash/0102030g"] {
        let (kind, field, rule) = problem(&router, at(path)).await;
        assert_eq!((kind, field.as_deref()), (ProblemKind::MalformedRequest, Some("hash")));
        assert_eq!(rule.as_deref(), Some("expected 8 hexadecimal digits"));
    }
    for path in ["/page", "/page?limit=x"] {
        let (kind, field, _) = problem(&router, at(path)).await;
        assert_eq!((kind, field.as_deref()), (ProblemKind::MalformedRequest, Some("limit")), "{path}");
    }
    assert_eq!(problem(&router, at("/nowhere")).await.0, ProblemKind::NotFound);
}

#[tokio::test]
async fn a_wrong_method_is_a_problem_that_names_the_right_ones() {
    let router = serve::guard(router(), &config());
    let request = || Request::delete("/slow").body(Body::empty()).unwrap();
    assert_eq!(problem(&router, request()).await.0, ProblemKind::MethodNotAllowed);
    let response = send(&router, request()).await;
    assert_eq!(response.headers()[header::ALLOW], "GET,HEAD,PUT");
}

#[tokio::test]
async fn a_panic_is_a_problem_and_says_nothing() {
    let router = serve::guard(router(), &config());
    assert_eq!(problem(&router, at("/panic")).await.0, ProblemKind::Internal);
}

#[tokio::test]
async fn slow_requests_end_and_uploads_have_a_limit_of_their_own() {
    let router = serve::guard(router(), &config());
    assert_eq!(problem(&router, at("/slow")).await.0, ProblemKind::RequestTimeout);
    let upload = Request::put("/slow").body(Body::empty()).unwrap();
    assert_eq!(send(&router, upload).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_but_health_is_not() {
    let router = serve::guard(router(), &config());
    let upload = Request::put("/slow").body(Body::empty()).unwrap();
    let second = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let refused = send(&router, at("/hash/01020304")).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.headers().contains_key(header::RETRY_AFTER));
        assert_eq!(send(&router, at("/healthz")).await.status(), StatusCode::OK);
    };
    let (first, ()) = tokio::join!(send(&router, upload), second);
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(send(&router, at("/hash/01020304")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_callers_identifier_is_kept_unless_it_is_odd() {
    let router = serve::guard(router(), &config());
    let with = |id: &str| Request::get("/healthz").header("x-request-id", id).body(Body::empty()).unwrap();
    assert_eq!(send(&router, with("abc-1")).await.headers()["x-request-id"], "abc-1");
    assert_ne!(send(&router, with("a b")).await.headers()["x-request-id"], "a b");
}

#[tokio::test]
async fn a_protected_route_needs_the_token() {
    let router = serve::guard(router(), &config());
    assert_eq!(problem(&router, at("/secret")).await.0, ProblemKind::Unauthorised);
    let mut request = at("/secret");
    request.headers_mut().insert(header::AUTHORIZATION, "Bearer 0123456789abcdef".parse().unwrap());
    assert_eq!(send(&router, request).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn readiness_follows_its_checks() {
    let failing: health::Check = Arc::new(|| Box::pin(async { Err(kit::Error::fault("down")) }));
    let hanging: health::Check = Arc::new(|| Box::pin(std::future::pending()));
    for check in [failing, hanging] {
        let router: Router = health::router(vec![check]);
        assert_eq!(send(&router, at("/readyz")).await.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(send(&router, at("/healthz")).await.status(), StatusCode::OK);
    }
    let router: Router = health::router(vec![Arc::new(|| Box::pin(async { Ok(()) }))]);
    assert_eq!(send(&router, at("/readyz")).await.status(), StatusCode::OK);
}

async fn address(port_file: &PathBuf) -> String {
    for _ in 0..200 {
        if let Ok(text) = std::fs::read_to_string(port_file) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no address was written")
}

#[tokio::test]
async fn a_request_in_progress_is_answered_before_the_service_ends() {
    let directory = tempfile::tempdir().unwrap();
    let port_file = directory.path().join("address");
    let config = ListenConfig { port_file: Some(port_file.clone()), ..ListenConfig::default() };
    let stop = shutdown::CancellationToken::new();
    let served = tokio::spawn({
        let stop = stop.clone();
        async move { serve::serve(router(), &config, stop).await }
    });
    let mut stream = tokio::net::TcpStream::connect(address(&port_file).await).await.unwrap();
    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.cancel();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("done"));
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_service_that_cannot_serve_says_why_and_never_that_it_does() {
    let directory = tempfile::tempdir().unwrap();
    let port_file = directory.path().join("address");
    let missing = directory.path().join("missing.pem");
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let tls = Some(TlsConfig { certificate: missing.clone(), key: missing.clone() });
    let without_certificate =
        ListenConfig { tls, port_file: Some(port_file.clone()), ..ListenConfig::default() };
    let without_address =
        ListenConfig { addr: taken, port_file: Some(port_file.clone()), ..ListenConfig::default() };
    for (config, named) in
        [(without_certificate, missing.display().to_string()), (without_address, taken.to_string())]
    {
        let stop = shutdown::CancellationToken::new();
        let error = serve::serve(router(), &config, stop).await.unwrap_err();
        assert!(error.chain().contains(&named), "{}", error.chain());
        assert!(!port_file.exists());
    }
}

#[tokio::test]
async fn a_service_with_a_certificate_speaks_tls_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = (directory.path().join("certificate.pem"), directory.path().join("key.pem"));
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, own.cert.pem()).unwrap();
    std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let port_file = directory.path().join("address");
    let tls = TlsConfig { certificate, key };
    let config =
        ListenConfig { tls: Some(tls), port_file: Some(port_file.clone()), ..ListenConfig::default() };
    let stop = shutdown::CancellationToken::new();
    let served = tokio::spawn({
        let stop = stop.clone();
        async move { serve::serve(router(), &config, stop).await }
    });
    let port = address(&port_file).await.rsplit_once(':').unwrap().1.to_owned();
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(own.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([root]).build().unwrap();
    let answer = client.get(format!("https://localhost:{port}/healthz")).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "ok\n");
    assert!(client.get(format!("http://localhost:{port}/healthz")).send().await.is_err());
    stop.cancel();
    served.await.unwrap().unwrap();
}
