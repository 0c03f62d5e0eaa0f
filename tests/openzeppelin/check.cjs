// Checks a payout tree with @openzeppelin/merkle-tree, and makes another from the same payments.
//
// node check.cjs FOLDER < request.json, where FOLDER holds node_modules and the request is
//   { "dump": …, "root": "0x…", "proofs": [["0x…"], …] }.
// Answers { "dump": …, "root": "0x…", "proofs": [["0x…"], …] }, or fails with the first error.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

const load = createRequire(path.resolve(process.argv[2], 'package.json'));
const { StandardMerkleTree } = load('@openzeppelin/merkle-tree');

const encoding = ['address', 'uint256'];
const request = JSON.parse(fs.readFileSync(0, 'utf8'));

// load() recomputes every hash of the dump.
assert.equal(StandardMerkleTree.load(request.dump).root, request.root, 'the root of the dump');

const own = StandardMerkleTree.of(request.dump.values.map(({ value }) => value), encoding);
assert.deepEqual(own.dump(), request.dump, 'the dump');
const proofs = [...own.entries()].map(([i]) => own.getProof(i));
assert.deepEqual(proofs, request.proofs, 'the proofs');
for (const [i, value] of own.entries()) {
  assert.ok(StandardMerkleTree.verify(request.root, encoding, value, request.proofs[i]), `payment ${i}`);
}
process.stdout.write(JSON.stringify({ dump: own.dump(), root: own.root, proofs }));
