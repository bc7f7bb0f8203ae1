// Signing in at Cognito's page and coming back: an authorization code with PKCE, so that the code alone is worth nothing.

import { Refused } from "./api.js";

const KEPT = "fovea-sign-in";

const encoded = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => encoded(crypto.getRandomValues(new Uint8Array(32)));
const here = () => `${location.origin}/`; // as the user pool knows it, to the letter

// Leaves the page. `at` is the configuration's: { address, client_id, scopes }.
export async function signIn(at) {
  const [verifier, state] = [random(), random()];
  sessionStorage.setItem(KEPT, JSON.stringify({ verifier, state }));
  const challenge = encoded(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  const asked = new URLSearchParams({
    response_type: "code", client_id: at.client_id, redirect_uri: here(), scope: at.scopes.join(" "), state,
    code_challenge: challenge, code_challenge_method: "S256",
  });
  location.assign(`${at.address}/oauth2/authorize?${asked}`);
}

// The identity token of whoever has just come back, or nothing. The code is taken out of the address first.
export async function signedIn(at) {
  const given = new URLSearchParams(location.search);
  if (!given.has("code") && !given.has("error")) return "";
  history.replaceState(null, "", location.pathname);
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  sessionStorage.removeItem(KEPT); // good for once
  if (!kept.state || given.get("state") !== kept.state) throw failed("Somebody else's sign-in led here, or an old one.");
  if (given.has("error")) throw failed("It was not completed.");
  const body = new URLSearchParams({
    grant_type: "authorization_code", client_id: at.client_id, redirect_uri: here(), code: given.get("code"), code_verifier: kept.verifier,
  });
  const answer = await fetch(`${at.address}/oauth2/token`, { method: "POST", body }).catch(() => null);
  const token = answer?.ok ? (await answer.json()).id_token : "";
  if (!token) throw failed("Its code was not taken.");
  return token;
}

const failed = (why) => new Refused(0, "SIGN_IN_FAILED", `${why} Sign in again.`);
