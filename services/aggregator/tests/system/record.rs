//! Tests of tampering with the database without its triggers, as a superuser can. Every column has
//! a class in the list below. A protected table or column must not be changed, deleted or inserted
//! unnoticed. A column of another class has a reason for it.

use std::collections::BTreeMap;

use aggregator::record::{Contradiction, check_in};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::{deployment::Deployment, played};

/// The class of a column says what happens when somebody changes it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    /// A change contradicts the log.
    Protected,
    /// The column is a part of the key. After a change, the log has an entry for a missing row, and
    /// the new row has no entry.
    Key,
    /// The value follows from protected values. PostgreSQL enforces it, or its readers check it.
    Derived,
    /// The value steers or measures the work, and records nothing.
    Operational,
}

use Class::{Derived, Key, Operational, Protected};

/// All tables with their columns, by class.
const TABLES: &[(&str, &[(Class, &str)])] = &[
    ("participants", &[(Key, "subject"), (Protected, "client_key credential_epoch credential enrolled_at renewed_at")]),
    ("credentials", &[(Key, "subject epoch"), (Protected, "client_key credential enrolled_at")]),
    ("models", &[(Key, "digest"), (Protected, "bytes object_name stored_at")]),
    (
        "rounds",
        &[
            (Key, "round_id"),
            (
                Protected,
                "round_hash model_digest document aggregator_signature countersignatures state dimension chunks min_cohort
                 max_contributions max_attempts proof opens_at earliest_close_at closes_at root failure_code created_at
                 opened_at closed_at fixed_at folded_at released_at ended_at sequence payout_pool payout_policy payout_asset
                 min_reputation_ppm",
            ),
            // The number of contributions that are not rejected, and the sum of their weights.
            (Derived, "active active_weight"),
            // It stands in the document.
            (Derived, "release_by"),
            // The operator's own words and keys, which nobody else sees.
            (Operational, "request_key request_digest failure"),
            // When the round may fail unreleased.
            (Operational, "observed_ms"),
        ],
    ),
    ("observed_time", &[(Operational, "one observed_ms")]),
    // Combiners sign these statements, and participants check them.
    ("unreleased", &[(Derived, "round_id holder statement"), (Operational, "stored_at")]),
    // Counts of uploads that were not stored. Anyone could have sent them.
    ("refusals", &[(Operational, "round_id reason count first_at last_at")]),
    (
        "contributions",
        &[
            (Key, "round_id contribution_id"),
            (
                Protected,
                "header_hash subject client_key weight header sealed_seeds proof body_object_name receipt state reason
                 received_at changed_at",
            ),
            // The leaves below the digest in the header. The fold reads the body and checks them.
            (Derived, "chunk_digests"),
            // A commitment in the header.
            (Derived, "commitment"),
            (Operational, "proof_time_us"),
        ],
    ),
    (
        "contribution_events",
        &[(Key, "round_id contribution_id state"), (Protected, "reason happened_at"), (Operational, "event_id")],
    ),
    (
        "reputation_events",
        &[
            (Key, "round_id contribution_id kind"),
            (Protected, "subject score_ppm happened_at"),
            (Operational, "event_id"),
        ],
    ),
    ("attestations", &[(Key, "round_id contribution_id holder"), (Protected, "attestation stored_at")]),
    ("signed_refusals", &[(Key, "round_id contribution_id holder"), (Protected, "refusal stored_at")]),
    ("round_members", &[(Key, "round_id index"), (Protected, "contribution_id header_hash")]),
    ("release_answers", &[(Key, "round_id holder"), (Protected, "answer stored_at")]),
    ("release_waits", &[(Operational, "round_id holder reason since")]),
    // The digest of the sum, which is in the result, is the root over the digests of the chunks.
    ("sum_chunks", &[(Derived, "round_id chunk folded_digest digest residual_max"), (Operational, "folded_at unmasked_at")]),
    (
        "results",
        &[
            (Key, "round_id"),
            (Protected, "count total_weight sum_digest residual_max mean_norm tensors result published_at"),
        ],
    ),
    ("erasures", &[(Key, "round_id"), (Protected, "erased_at")]),
    (
        "jobs",
        &[(
            Operational,
            "job_id kind round_id key state run_at lease_token lease_expires_at attempts last_error created_at finished_at",
        )],
    ),
    ("accounts", &[(Key, "account_id"), (Protected, "kind subject asset opened_at")]),
    (
        "payouts",
        &[
            (Key, "round_id contribution_id"),
            (Protected, "subject weight score_ppm reputation_ppm amount"),
        ],
    ),
    ("claim_addresses", &[(Key, "subject chain_id sequence"), (Protected, "address message stored_at")]),
    ("payout_batches", &[(Key, "batch_id"), (Protected, "round_id asset root lines total made_at")]),
    ("payout_lines", &[(Key, "batch_id subject"), (Protected, "address amount")]),
    ("payments", &[(Key, "batch_id"), (Protected, "reference paid_at")]),
    ("transfers", &[(Key, "transfer_id"), (Protected, "kind round_id batch_id asset posted_at")]),
    ("postings", &[(Key, "transfer_id account_id"), (Protected, "amount")]),
    // The row that is recorded contains the time of writing.
    ("log_outbox", &[(Protected, "payload"), (Derived, "table_name key"), (Operational, "outbox_id recorded_at")]),
    (
        "log_entries",
        &[
            (Key, "index"),
            (Protected, "payload leaf_hash"),
            (Derived, "table_name key"),
            (Operational, "recorded_at sequenced_at"),
        ],
    ),
    ("log_nodes", &[(Key, "level index"), (Protected, "hash")]),
    ("log_checkpoints", &[(Key, "size"), (Protected, "root note signed_at")]),
    ("latches", &[(Operational, "name")]),
    ("schema_definitions", &[(Operational, "version digest undo applied_at")]),
    ("_sqlx_migrations", &[(Operational, "version description installed_on success checksum execution_time")]),
];

fn classes() -> BTreeMap<(String, String), Class> {
    let mut classes = BTreeMap::new();
    for (table, columns) in TABLES {
        for (class, names) in *columns {
            for name in names.split_whitespace() {
                let before = classes.insert(((*table).to_owned(), name.to_owned()), *class);
                assert!(before.is_none(), "{table}.{name} is listed twice");
            }
        }
    }
    classes
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_is_protected_or_said_not_to_be() {
    let deployment = Deployment::start().await;
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT c.table_name::TEXT, c.column_name::TEXT FROM information_schema.columns AS c
         JOIN information_schema.tables AS t USING (table_schema, table_name)
         WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&deployment.db)
    .await
    .unwrap();
    let mut classes = classes();
    let unclassified: Vec<_> =
        columns.into_iter().filter(|column| classes.remove(column).is_none()).collect();
    assert_eq!(unclassified, [], "columns that this test does not know");
    assert!(classes.is_empty(), "columns that are not there: {classes:?}");
}

/// Makes a database in which every recorded table has rows, and removes the rules that would only
/// hinder tampering.
async fn defenceless() -> (Deployment, sqlx::pool::PoolConnection<sqlx::Postgres>) {
    let mut deployment = played::everything().await;
    deployment.stop_service().await;
    let mut connection = deployment.db.acquire().await.unwrap();
    // Add an entry that waits for its index.
    run(
        &mut connection,
        "INSERT INTO claim_addresses (subject, chain_id, sequence, address, message, stored_at)
         VALUES ('a', 1, 2, substr(sha256('b'), 1, 20), 'y', now())",
    )
    .await;
    assert_eq!(problems(&deployment, &mut connection).await, []);
    let constraints: Vec<(String, String)> = sqlx::query_as(
        "SELECT conrelid::REGCLASS::TEXT, conname::TEXT FROM pg_constraint
         WHERE connamespace = 'public'::REGNAMESPACE AND contype IN ('c', 'f', 'p', 'u') ORDER BY contype = 'p'",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    for (table, name) in constraints {
        run(&mut connection, &format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name} CASCADE")).await;
    }
    let indexes = "SELECT indexrelid::REGCLASS::TEXT FROM pg_index JOIN pg_class ON oid = indexrelid
                   WHERE relnamespace = 'public'::REGNAMESPACE AND indisunique";
    let indexes: Vec<String> = sqlx::query_scalar(indexes).fetch_all(&mut *connection).await.unwrap();
    for index in indexes {
        run(&mut connection, &format!("DROP INDEX {index}")).await;
    }
    for ((table, column), class) in classes() {
        if class != Derived {
            run(&mut connection, &format!("ALTER TABLE {table} ALTER {column} DROP IDENTITY IF EXISTS"))
                .await;
            run(&mut connection, &format!("ALTER TABLE {table} ALTER {column} DROP NOT NULL")).await;
        }
    }
    (deployment, connection)
}

async fn run(connection: &mut PgConnection, statement: &str) -> u64 {
    let outcome = sqlx::query(AssertSqlSafe(statement)).execute(connection).await;
    outcome.unwrap_or_else(|error| panic!("{statement}: {error}")).rows_affected()
}

async fn problems(deployment: &Deployment, connection: &mut PgConnection) -> Vec<Contradiction> {
    check_in(connection, &deployment.pins.aggregator).await.unwrap().contradictions
}

/// Changes the database without its triggers, returns the findings of the check, and undoes the
/// change.
async fn after(
    deployment: &Deployment,
    connection: &mut PgConnection,
    statement: &str,
) -> Vec<Contradiction> {
    run(connection, "BEGIN").await;
    run(connection, "SET LOCAL session_replication_role = replica").await;
    assert_eq!(run(connection, statement).await, 1, "{statement}");
    let found = problems(deployment, connection).await;
    run(connection, "ROLLBACK").await;
    found
}

/// Returns an SQL expression for another value of a column.
async fn another(connection: &mut PgConnection, table: &str, column: &str) -> String {
    let query =
        "SELECT data_type::TEXT AS data_type, udt_name::TEXT AS udt_name FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = $1 AND column_name = $2";
    let row = sqlx::query(query).bind(table).bind(column).fetch_one(connection).await.unwrap();
    let data_type: String = row.get("data_type");
    match (data_type.as_str(), row.get::<String, _>("udt_name").as_str()) {
        // An entry must be JSON to be stored. A JSON entry can be about anything.
        ("text", _) if column == "payload" => {
            r#"jsonb_set(payload::JSONB, '{row,stored_at}', '"never"')::TEXT"#.into()
        }
        ("text", _) => format!("COALESCE({column}, '') || 'x'"),
        // Long values are recorded by their digest. The digest itself must not pass for the value.
        ("bytea", _) => format!(
            "CASE WHEN octet_length({column}) > 32 THEN sha256({column}) ELSE COALESCE({column}, '') || '\\x00' END"
        ),
        ("bigint" | "integer" | "smallint" | "numeric", _) => format!("COALESCE({column}, 0) + 1"),
        ("double precision", _) => format!("{column} * (1 + 1e-15) + 1e-300"),
        ("timestamp with time zone", _) => format!("COALESCE({column}, now()) + INTERVAL '1 microsecond'"),
        ("jsonb", _) => format!("{column} || '[1]'"),
        ("ARRAY", "_bytea") => format!("{column} || '\\x00'::BYTEA"),
        other => panic!("{table}.{column}: no other value for {other:?}"),
    }
}

/// The condition that selects the first row, with which tampering is tried.
fn first(table: &str) -> String {
    format!("ctid = (SELECT ctid FROM {table} ORDER BY ctid LIMIT 1)")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_of_a_protected_value_goes_unnoticed() {
    let (deployment, mut connection) = defenceless().await;
    let mut tried = 0;
    for ((table, column), class) in classes() {
        if !matches!(class, Protected | Key) {
            continue;
        }
        let other = another(&mut connection, &table, &column).await;
        let statement = format!("UPDATE {table} SET {column} = {other} WHERE {}", first(&table));
        let found = after(&deployment, &mut connection, &statement).await;
        let named = match (table.as_str(), class) {
            // A waiting entry is compared with its row, which may be in any table.
            ("log_outbox", _) => !found.is_empty(),
            (_, Key) => found.iter().any(|problem| problem.table_name == table),
            _ => found.iter().any(|problem| {
                problem.table_name == table
                    && (problem.column_name.as_deref() == Some(&column) || table == "log_entries")
            }),
        };
        assert!(named, "{statement}: {found:?}");
        tried += 1;
    }
    assert!(tried > 120, "{tried}");
    println!("{tried} values changed, each found");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_deletion_or_insertion_of_a_protected_row_goes_unnoticed() {
    let (deployment, mut connection) = defenceless().await;
    for (table, columns) in TABLES {
        if !columns.iter().any(|(class, _)| *class == Protected) {
            continue;
        }
        let found =
            after(&deployment, &mut connection, &format!("DELETE FROM {table} WHERE {}", first(table))).await;
        let named = |found: &[Contradiction]| {
            found.iter().any(|problem| problem.table_name == *table || *table == "log_outbox")
        };
        assert!(named(&found), "a row of {table} deleted: {found:?}");
        let settable: Vec<&str> = columns
            .iter()
            .filter(|(class, _)| !(*class == Derived && table.starts_with("log_")))
            .flat_map(|(_, names)| names.split_whitespace())
            .collect();
        let list = settable.join(", ");
        let copy = format!("INSERT INTO {table} ({list}) SELECT {list} FROM {table} WHERE {}", first(table));
        let found = after(&deployment, &mut connection, &copy).await;
        assert!(named(&found), "a row of {table} copied: {found:?}");
        let mut values = settable.clone();
        let key = columns
            .iter()
            .find(|(class, _)| *class == Key)
            .and_then(|(_, names)| names.split_whitespace().next());
        let Some(key) = key else { continue };
        let other = another(&mut connection, table, key).await;
        values.iter_mut().filter(|value| **value == key).for_each(|value| *value = &other);
        let values = values.join(", ");
        let insert =
            format!("INSERT INTO {table} ({list}) SELECT {values} FROM {table} WHERE {}", first(table));
        let found = after(&deployment, &mut connection, &insert).await;
        assert!(named(&found), "a row of {table} made up: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rewriting_row_entry_and_tree_together_meets_the_signature() {
    let (deployment, mut connection) = defenceless().await;
    let db = &mut *connection;
    run(db, "BEGIN").await;
    run(db, "SET LOCAL session_replication_role = replica").await;
    // Change a participant's key together with its entry, all hashes above the entry, and the
    // signed root.
    run(db, "UPDATE participants SET client_key = sha256(client_key) WHERE subject = 'a'").await;
    let entry = "UPDATE log_entries SET payload = (SELECT log_entry(p)::TEXT FROM participants AS p WHERE subject = 'a')
                 WHERE table_name = 'participants' AND key = 'a'";
    assert_eq!(run(db, entry).await, 1);
    let found = problems(&deployment, db).await;
    assert_eq!(
        (found[0].table_name.as_str(), found[0].column_name.as_deref()),
        ("log_entries", Some("payload"))
    );
    run(db, "UPDATE log_entries SET leaf_hash = sha256('\\x00'::BYTEA || convert_to(payload, 'UTF8'))").await;
    let found = problems(&deployment, db).await;
    let hashes = ["log_nodes", "log_checkpoints"];
    assert!(found.iter().all(|problem| hashes.contains(&problem.table_name.as_str())), "{found:?}");
    for level in 1..=20 {
        run(
            db,
            &format!(
                "WITH children AS (
                     SELECT index, leaf_hash AS hash FROM log_entries WHERE {level} = 1
                     UNION ALL SELECT index, hash FROM log_nodes WHERE level = {level} - 1
                 )
                 UPDATE log_nodes AS n SET hash = sha256('\\x01'::BYTEA || a.hash || b.hash)
                 FROM children AS a JOIN children AS b ON b.index = a.index + 1
                 WHERE n.level = {level} AND n.index = a.index >> 1 AND a.index & 1 = 0"
            ),
        )
        .await;
    }
    let found = problems(&deployment, db).await;
    let only = "log_checkpoints";
    assert!(!found.is_empty() && found.iter().all(|problem| problem.table_name == only), "{found:?}");
    // A new root in the checkpoint contradicts the note. A new root in the note contradicts the
    // signature.
    let last = "size = (SELECT max(size) FROM log_checkpoints)";
    let rewrite = format!("UPDATE log_checkpoints SET root = log_root(size) WHERE {last}");
    assert_eq!(run(db, &rewrite).await, 1);
    let found = problems(&deployment, db).await;
    assert_eq!(found[0].problem, "is not the note's");
    let rewrite = format!(
        "UPDATE log_checkpoints SET note = regexp_replace(note, '\\n[A-Za-z0-9+/=]{{44}}\\n', E'\\n' || encode(root, 'base64') || E'\\n')
         WHERE {last}"
    );
    assert_eq!(run(db, &rewrite).await, 1);
    let found = problems(&deployment, db).await;
    assert!(found[0].problem.starts_with("is not signed by the aggregator"), "{found:?}");
    run(db, "ROLLBACK").await;
    assert_eq!(problems(&deployment, db).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_history_is_found_though_the_last_entries_are_right() {
    let (deployment, mut connection) = defenceless().await;
    // Insert an entry that says that an included contribution was rejected in between. Also insert
    // an entry twice.
    let forged = "INSERT INTO log_outbox (payload)
        SELECT jsonb_set(jsonb_set(payload::JSONB, '{row,state}', '\"rejected\"'), '{row,reason}', '\"proof-refused\"')::TEXT
        FROM log_entries WHERE table_name = 'contributions' AND payload::JSONB -> 'row' ->> 'state' = 'verified' LIMIT 1";
    let found = after(&deployment, &mut connection, forged).await;
    assert!(!found.is_empty());
    for table in ["participants", "rounds", "contributions", "models", "results", "postings"] {
        let repeated = format!(
            "INSERT INTO log_outbox (payload) SELECT payload FROM log_entries WHERE table_name = '{table}' ORDER BY index DESC LIMIT 1"
        );
        let found = after(&deployment, &mut connection, &repeated).await;
        assert!(found.iter().any(|problem| problem.table_name == table), "{table}: {found:?}");
    }
    // The new state is allowed, but a column that never changes has changed with it.
    for (table, column, state) in [("contributions", "subject", "included"), ("rounds", "document", "open")] {
        let changed = format!(
            "UPDATE log_entries SET payload = jsonb_set(payload::JSONB, '{{row,{column}}}', '\"x\"')::TEXT WHERE index = (
                 SELECT min(index) FROM log_entries WHERE table_name = '{table}' AND payload::JSONB -> 'row' ->> 'state' = '{state}'
             )"
        );
        let found = after(&deployment, &mut connection, &changed).await;
        let history = "the log has a change of this row that no rule allows";
        assert!(
            found.iter().any(|one| one.table_name == table && one.problem == history),
            "{table}: {found:?}"
        );
    }
    let unknown =
        "INSERT INTO log_outbox (payload) VALUES ('{\"table\": \"jobs\", \"key\": \"1\", \"row\": {}}')";
    let found = after(&deployment, &mut connection, unknown).await;
    assert_eq!(found[0].problem, "names no recorded table");
}
