// SPDX-License-Identifier: MIT
// Google's own storage emulator, out of firebase-tools, behind what it lacks and the service has: OAuth2 tokens that are looked at,
// buckets that must exist, pages that count prefixes, ifGenerationMatch. t/stack/gcs starts it and says what its environment means.
//
// The answers are those of https://cloud.google.com/storage/docs/json_api and
// https://developers.google.com/identity/protocols/oauth2/service-account; the metadata server's are those of
// https://cloud.google.com/compute/docs/access/authenticate-workloads.
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
const https = require("https");
const { StorageEmulator } = require("firebase-tools/lib/emulator/storage");
const { EmulatorRegistry } = require("firebase-tools/lib/emulator/registry");
const { createApp } = require("firebase-tools/lib/emulator/storage/server");

const env = process.env;
const port = Number(env.GCS_PORT);
const serviceAccount = env.GCS_PUBLIC_KEY && {
  email: env.GCS_EMAIL,
  key: crypto.createPublicKey(fs.readFileSync(env.GCS_PUBLIC_KEY)),
};
const user = env.GCS_REFRESH_TOKEN && {
  id: env.GCS_CLIENT_ID,
  secret: env.GCS_CLIENT_SECRET,
  refreshToken: env.GCS_REFRESH_TOKEN,
};
const lifetime = Number(env.GCS_TOKEN_LIFETIME || 3599);
const now = () => Date.now() / 1000;

const emulator = new StorageEmulator({ projectId: "test", host: "127.0.0.1", port, rules: { name: "none", content: "" } });
const storage = emulator.adminStorageLayer;
EmulatorRegistry.set(emulator.getName(), emulator); // knows the address that links lead to

function send(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json; charset=UTF-8", ...headers });
  response.end(JSON.stringify(body));
}

// Errors of the JSON API.
function refuse(response, code, reason, message, headers) {
  send(response, code, { error: { code, message, errors: [{ message, domain: "global", reason }] } }, headers);
}

// Errors of OAuth2 (RFC 6749, 5.2).
function deny(response, status, error, error_description) {
  send(response, status, { error, error_description });
}

// ---- Tokens

const SCOPE = "https://www.googleapis.com/auth/";
const WRITE = ["devstorage.read_write", "devstorage.full_control", "cloud-platform"];
const READ = [...WRITE, "devstorage.read_only", "cloud-platform.read-only"];
const tokens = new Map();

// issue: a new access token for the scopes, as the answer that hands it out.
function issue(scope) {
  const access_token = "ya29." + crypto.randomBytes(24).toString("base64url");
  tokens.set(access_token, { scopes: scope.split(" "), expires: now() + lifetime });
  return { access_token, expires_in: lifetime, token_type: "Bearer" };
}

// claims: those of the assertion when the key has signed it, or the sentence that says what is wrong.
function claims(assertion, key) {
  const [header, payload, signature] = assertion.split(".");
  let algorithm, content;
  try {
    algorithm = JSON.parse(Buffer.from(header, "base64url")).alg;
    content = JSON.parse(Buffer.from(payload, "base64url"));
  } catch {
    return "Invalid JWT: Failed to parse the assertion.";
  }
  const signed = Buffer.from(`${header}.${payload}`);
  const valid = algorithm === "RS256" && crypto.verify("RSA-SHA256", signed, key, Buffer.from(signature || "", "base64url"));
  return valid ? content : "Invalid JWT Signature.";
}

// RFC 7523, for service accounts; the audience is the address that the request went to.
function grantAssertion(form, response, audience) {
  const invalid = (text) => deny(response, 400, "invalid_grant", text);
  const claim = claims(form.get("assertion") || "", serviceAccount.key);
  if (typeof claim === "string") return invalid(claim);
  if (claim.iss !== serviceAccount.email) return invalid("Invalid grant: account not found");
  if (claim.aud !== audience) return invalid(`Invalid JWT: Failed audience check. The right audience is ${audience}`);
  if (!(claim.exp > now() && claim.iat < now() + 300 && claim.exp - claim.iat <= 3600)) {
    return invalid(
      "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. " +
        "Check your iat and exp values in the JWT claim.",
    );
  }
  if (!claim.scope) return deny(response, 400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.");
  send(response, 200, issue(claim.scope));
}

// RFC 6749, 6, for people's own credentials.
function grantRefreshToken(form, response) {
  if (form.get("client_id") !== user.id) return deny(response, 401, "invalid_client", "The OAuth client was not found.");
  if (form.get("client_secret") !== user.secret) return deny(response, 401, "invalid_client", "Unauthorized");
  if (form.get("refresh_token") !== user.refreshToken) {
    return deny(response, 400, "invalid_grant", "Token has been expired or revoked.");
  }
  const scope = SCOPE + "cloud-platform";
  send(response, 200, { ...issue(scope), scope });
}

const grants = new Map([
  ["urn:ietf:params:oauth:grant-type:jwt-bearer", serviceAccount && grantAssertion],
  ["refresh_token", user && grantRefreshToken],
]);

async function token(request, response, url) {
  let body = "";
  for await (const piece of request) body += piece;
  const form = new URLSearchParams(body);
  const grant = grants.get(form.get("grant_type"));
  if (!grant) return deny(response, 400, "unsupported_grant_type", `Invalid grant_type: ${form.get("grant_type")}`);
  grant(form, response, url.origin + url.pathname);
}

// The token of the machine's own account, for those who show that nobody made them ask by a mere URL.
function metadataToken(request, response) {
  if (request.headers["metadata-flavor"] !== "Google") return send(response, 403, "Missing Metadata-Flavor:Google header.");
  send(response, 200, issue(SCOPE + "cloud-platform"), { "metadata-flavor": "Google" });
}

// authorized: whether the request may go on to the storage; when not, it has been answered.
function authorized(request, response) {
  const [, presented] = /^Bearer (.*)$/.exec(request.headers.authorization || "") || [];
  const challenge = 'Bearer realm="https://accounts.google.com/"';
  if (presented === undefined) {
    const message = "Anonymous caller does not have storage.objects access to the Google Cloud Storage object.";
    return refuse(response, 401, "required", message, { "www-authenticate": challenge });
  }
  const known = tokens.get(presented);
  if (!known || known.expires <= now()) {
    return refuse(response, 401, "authError", "Invalid Credentials", { "www-authenticate": challenge + ', error="invalid_token"' });
  }
  const sufficient = request.method === "GET" ? READ : WRITE;
  if (!known.scopes.some((scope) => sufficient.includes(scope.replace(SCOPE, "")))) {
    return refuse(response, 403, "insufficientPermissions", "Insufficient Permission");
  }
  request.headers.authorization = "Bearer owner"; // whom the emulator allows everything
  return true;
}

// ---- Storage

// A page has so many items and prefixes together, in the order of their names; the token, opaque to clients, is its last name.
const listAll = storage.listObjects.bind(storage);
storage.listObjects = async (request) => {
  const all = await listAll({ ...request, pageToken: undefined, maxResults: Infinity });
  const after = Buffer.from(request.pageToken || "", "base64").toString();
  const names = [...(all.items || []).map((item) => item.name), ...(all.prefixes || [])].filter((name) => name > after).sort();
  const page = new Set(names.slice(0, Math.min(request.maxResults || 1000, 1000)));
  const prefixes = all.prefixes?.filter((name) => page.has(name));
  const items = all.items?.filter((item) => page.has(item.name));
  return {
    nextPageToken: page.size < names.length ? Buffer.from([...page].pop()).toString("base64") : undefined,
    prefixes: prefixes?.length ? prefixes : undefined,
    items: items?.length ? items : undefined,
  };
};

async function createBucket(request, response) {
  let body = "";
  for await (const piece of request) body += piece;
  const { name } = JSON.parse(body);
  storage.createBucket(name);
  send(response, 200, { kind: "storage#bucket", id: name, name });
}

async function bucketExists(bucket) {
  return (await storage.listBuckets()).some(({ id }) => id === bucket);
}

// The generation of an object as the API writes it, "0" when there is none.
async function generation(bucket, object) {
  try {
    const { metadata } = await storage.getObject({ bucketId: bucket, decodedObjectId: object });
    return String(metadata.generation);
  } catch {
    return "0";
  }
}

// What the caller may (buckets.testIamPermissions): the emulator knows no IAM, and grants everything.
async function testPermissions(response, url, bucket) {
  if (!(await bucketExists(bucket))) return refuse(response, 404, "notFound", "The specified bucket does not exist.");
  send(response, 200, { kind: "storage#testIamPermissionsResponse", permissions: url.searchParams.getAll("permissions") });
}

async function store(request, response, url) {
  const [, bucket, object] = /^(?:\/upload|\/download)?\/storage\/v1\/b\/([^/]+)\/o(?:\/([^/]+))?$/.exec(url.pathname) || [];
  if (bucket && !(await bucketExists(bucket))) return refuse(response, 404, "notFound", "The specified bucket does not exist.");
  const expected = url.searchParams.get("ifGenerationMatch");
  const name = object ? decodeURIComponent(object) : url.searchParams.get("name");
  if (bucket && expected !== null && expected !== (await generation(bucket, name))) {
    return refuse(response, 412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
  }
  (await app)(request, response);
}

// ---- The front

const app = createApp("test", emulator);

async function answer(request, response) {
  const url = new URL(request.url, `${request.socket.encrypted ? "https" : "http"}://${request.headers.host}`);
  const call = `${request.method} ${url.pathname}`;
  if (call === "POST /token") return token(request, response, url);
  if (call === "GET /computeMetadata/v1/instance/service-accounts/default/token") return metadataToken(request, response);
  if ((serviceAccount || user) && !authorized(request, response)) return;
  if (call === "POST /storage/v1/b") return createBucket(request, response);
  const [, tested] = /^GET \/storage\/v1\/b\/([^/]+)\/iam\/testPermissions$/.exec(call) || [];
  if (tested) return testPermissions(response, url, tested);
  return store(request, response, url);
}

function front(request, response) {
  if (request.url === "/") return send(response, 200, {}, { "metadata-flavor": "Google" }); // is it up, and the metadata server?
  const { method, url: path } = request;
  const headers = { ...request.headers };
  const end = response.end;
  response.end = (...last) => { // the line is there before the client knows that it has all of the answer
    fs.appendFileSync(env.GCS_REQUESTS, JSON.stringify({ method, path, headers, status: response.statusCode }) + "\n");
    return end.apply(response, last);
  };
  answer(request, response).catch((error) => refuse(response, 500, "backendError", String(error)));
}

http.createServer(front).listen(port, "127.0.0.1");
if (env.GCS_PEM) {
  const pem = fs.readFileSync(env.GCS_PEM);
  https.createServer({ key: pem, cert: pem }, front).listen(port + 1, "127.0.0.1");
}
