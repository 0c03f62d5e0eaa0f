//! A test of a whole round whose models, bodies and sums are in an S3-compatible store. It uses
//! multipart uploads, ranges, listings and deletions over plain HTTP. The credentials come from the
//! environment.
//!
//! The store is moto's server (`pip install "moto[server]"`). `MOTO_SERVER` names it, and
//! `moto_server` is the default. Without it the test reports that it is skipped. With
//! `REQUIRE_S3=1` it fails instead.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a step that fails fails the test; a skip is reported"
)]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use api::{bundle::Bundle, contributions::ContributionState, rounds::RoundState};
use e2e::{
    Deployment, Federation,
    deployment::{BUCKET, Options, PREFIX},
    federation::add_quantised,
};
use local::Service;
use protocol::{BodyDigester, Canonical, ContributionHeader};

/// Not a test by itself. The services of the test below run in it.
#[test]
fn server_process() {
    e2e::server::serve_if_asked();
}

/// The dimension gives two chunks, and bodies that the store receives in two parts.
const DIMENSION: u32 = (1 << 20) + 5000;

/// An S3-compatible server with an empty bucket. It is killed when this value is dropped.
struct Store {
    child: Child,
    address: SocketAddr,
}

impl Store {
    /// Starts a store. Returns `None` if the program is missing.
    async fn start() -> Option<Self> {
        let program = std::env::var("MOTO_SERVER").unwrap_or_else(|_| "moto_server".to_owned());
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &address.port().to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let store = Self { child, address };
        let start = Instant::now();
        loop {
            match store.ask("PUT", "") {
                Ok(answer) => {
                    assert!(answer.contains(" 200 OK"), "{answer}");
                    return Some(store);
                }
                Err(error) => assert!(start.elapsed() < Duration::from_secs(60), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sends a request about the bucket and returns the whole answer.
    fn ask(&self, method: &str, query: &str) -> std::io::Result<String> {
        let mut connection = TcpStream::connect(self.address)?;
        let host = self.address;
        let head = format!("{method} /{BUCKET}{query} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
        connection.write_all(head.as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Lists the names of all objects, without the aggregator's prefix.
    fn objects(&self) -> Vec<String> {
        let listed = self.ask("GET", "?list-type=2").unwrap();
        let keys = listed.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap());
        keys.map(|key| key.strip_prefix(&format!("{PREFIX}/")).expect(key).to_owned()).collect()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // An error means that the server has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_runs_with_all_its_objects_in_a_bucket() {
    let Some(store) = Store::start().await else {
        assert!(std::env::var_os("REQUIRE_S3").is_none(), "no moto_server was found");
        println!("skipped: no moto_server was found");
        return;
    };
    let deployment = Deployment::start(Options { s3: Some(store.address), ..Options::default() }).await;
    let federation = Federation::new(&deployment, 4);
    federation.enrol().await.unwrap();
    let view = federation.open(DIMENSION, 2, 10).await.unwrap();
    let client = &federation.members[0].client;
    let round = client.open_round(view.round_id).await.unwrap();
    let mut expected = Vec::new();
    for (seed, member) in (0..).zip(&federation.members[..3]) {
        let contribution = member.contribute(&round, seed).await.unwrap();
        add_quantised(&mut expected, &contribution);
        let state = federation.wait_until_checked(&view, contribution.id).await;
        assert_eq!(state, ContributionState::Verified);
    }
    // A refused upload leaves nothing behind.
    federation.members[0].contribute(&round, 9).await.unwrap_err();
    federation.operator.close_round(view.round_id).await.unwrap();
    let ended = federation.wait_for(&view, &[RoundState::Published, RoundState::Failed]).await;
    assert_eq!(ended.state, RoundState::Published, "{}", deployment.logs());
    assert!(client.result_sum(&round).await.unwrap().values == expected, "another sum");

    let bundle: Bundle = serde_json::from_slice(&client.bundle(view.round_id).await.unwrap()).unwrap();
    for member in &bundle.members {
        let to = deployment.dir.path().join("body");
        let bytes = round.constants().body_bytes();
        client.download_body(view.round_id, member.contribution_id, bytes, &to).await.unwrap();
        let mut digester = BodyDigester::new(round.constants());
        digester.push(&std::fs::read(to).unwrap()).unwrap();
        let header = ContributionHeader::from_bytes(&member.header.0).unwrap();
        assert_eq!(digester.finish().unwrap(), header.body_digest);
    }
    deployment.wait_for_no_key(Service::Aggregator, view.round_id).await;
    only_the_record_remains(&store, bundle.members.len()).await;
}

/// Checks that only one model, the bodies in the sum and the two chunks of the sum remain.
async fn only_the_record_remains(store: &Store, members: usize) {
    let start = Instant::now();
    loop {
        let objects = store.objects();
        let count = |part: &str| objects.iter().filter(|object| object.contains(part)).count();
        if objects.len() == 1 + members + 2 {
            assert_eq!((count("models/"), count("/contributions/"), count("/sum/")), (1, members, 2));
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{objects:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
