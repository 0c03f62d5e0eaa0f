//! Serves a router with request identifiers, a span and a log line for each request, limits,
//! time-outs and an orderly end.

use std::{
    any::Any,
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use api::{ProblemKind, paths};
use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use axum_server::{Handle, tls_rustls::RustlsConfig};
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::{Error, Result, config::ListenConfig, request_id};

/// Serves `router` until `shutdown` is cancelled. Then it answers the requests in progress, until
/// the drain time-out. Once it accepts requests, it logs the bound address and writes it to the
/// configured file, if there is one.
///
/// # Errors
/// A fault if the certificate cannot be read or the address cannot be bound.
pub async fn serve(router: Router, config: &ListenConfig, shutdown: CancellationToken) -> Result<()> {
    let tls = match &config.tls {
        Some(tls) => {
            // An error means that a provider is installed already.
            let _installed = rustls::crypto::ring::default_provider().install_default();
            Some(RustlsConfig::from_pem_file(&tls.certificate, &tls.key).await?)
        }
        None => None,
    };
    let listener = bind(config.addr)?;
    let addr = listener.local_addr()?;
    let service = guard(router, config).into_make_service();
    let handle = Handle::new();
    let drain = Duration::from_millis(config.drain_timeout_ms);
    let stop = stop_when(shutdown, handle.clone(), drain);
    if let Some(path) = &config.port_file {
        publish(path, &addr.to_string())?;
    }
    tracing::info!(%addr, tls = tls.is_some(), "accepting requests");
    let served = match tls {
        Some(tls) => axum_server::from_tcp_rustls(listener, tls)?.handle(handle).serve(service).await,
        None => axum_server::from_tcp(listener)?.handle(handle).serve(service).await,
    };
    stop.abort();
    Ok(served?)
}

/// Binds the address. From now on connections can wait to be accepted.
fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(addr).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {addr}: {error}")))
}

fn stop_when(
    shutdown: CancellationToken,
    handle: Handle<SocketAddr>,
    drain: Duration,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        shutdown.cancelled().await;
        handle.graceful_shutdown(Some(drain));
    })
}

/// Writes the file so that a reader never sees a part of it.
fn publish(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, text)?;
    std::fs::rename(unfinished, path)
}

/// Adds everything to the router that [`serve`] adds, for callers that serve it themselves.
pub fn guard(router: Router, config: &ListenConfig) -> Router {
    let limits = Arc::new(Limits {
        in_flight: Semaphore::new(config.max_in_flight),
        request: Duration::from_millis(config.request_timeout_ms),
        upload: Duration::from_millis(config.upload_timeout_ms),
    });
    router
        .fallback(async || Error::abort(ProblemKind::NotFound))
        .method_not_allowed_fallback(async || Error::abort(ProblemKind::MethodNotAllowed))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(limits, answer))
}

struct Limits {
    in_flight: Semaphore,
    request: Duration,
    upload: Duration,
}

async fn answer(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", id, %method, route);
    let started = Instant::now();
    let admitted = admit(&limits, &route, request, next);
    let answered = async {
        let response = admitted.await.into_response();
        report(&method, &route, &response, started.elapsed());
        response
    };
    let mut response = request_id::scope(id.clone(), answered.instrument(span)).await;
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(request_id::HEADER, id);
    }
    response
}

async fn admit(limits: &Limits, route: &str, request: Request, next: Next) -> Result<Response> {
    if [paths::HEALTH, paths::READY, paths::METRICS].contains(&route) {
        return Ok(next.run(request).await);
    }
    let busy = Error::abort(ProblemKind::TooManyRequests);
    let _permit = limits.in_flight.try_acquire().map_err(|_| busy)?;
    let uploads = request.method() == Method::PUT || route == paths::COMBINER_REFUSED_PROOFS;
    let limit = if uploads { limits.upload } else { limits.request };
    let late = |_| Error::abort(ProblemKind::RequestTimeout);
    tokio::time::timeout(limit, next.run(request)).await.map_err(late)
}

fn report(method: &Method, route: &str, response: &Response, elapsed: Duration) {
    let status = response.status().as_u16();
    let labels = [
        ("method", method.to_string()),
        ("route", route.to_owned()),
        ("status", response.status().as_str().to_owned()),
    ];
    metrics::histogram!("http_request_seconds", &labels).record(elapsed.as_secs_f64());
    let ms = elapsed.as_millis();
    match route {
        paths::HEALTH | paths::READY | paths::METRICS => tracing::debug!(status, ms, "answered"),
        _ => tracing::info!(status, ms, "answered"),
    }
}

fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let message = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = message.or_else(|| payload.downcast_ref::<String>().cloned());
    Error::fault(format!("a handler panicked: {}", message.unwrap_or_default())).into_response()
}
