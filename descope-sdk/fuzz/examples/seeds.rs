//! Writes the seeds of every target: `cargo run --example seeds`, after a change to what the targets take.

use std::fs;
use std::path::Path;

use descope_sdk_fuzz::{Signer, URL, proof_claims, proof_header, published, token_claims, token_header};
use serde_json::json;

fn main() -> std::io::Result<()> {
    let (claims, header) = (token_claims().to_string(), token_header());
    let token = Signer::project().sign(header.as_bytes(), claims.as_bytes());
    let proof = Signer::holder().sign(proof_header().as_bytes(), proof_claims().as_bytes());
    let rsa = json!({"kty": "RSA", "alg": "RS256", "kid": "k2", "use": "sig", "e": "AQAB", "n": "v".repeat(342)});
    let ec = json!({
        "kty": "EC", "crv": "P-256", "kid": "k3",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let key = published();

    // The first byte says which part of the input the target makes itself.
    write("token", "claims", &format!("\0{claims}"))?;
    write("token", "claims_of_odd_types", "\0{\"exp\":1e9,\"aud\":[1],\"tenants\":[],\"act\":7,\"rexp\":\"x\"}")?;
    write("token", "header", &format!("\x01{header}"))?;
    write("token", "header_twice", "\x01{\"alg\":\"none\",\"alg\":\"EdDSA\",\"crit\":[\"b64\"],\"jwk\":{}}")?;
    write("token", "whole", &format!("\x02{token}"))?;
    write("token", "no_algorithm", "\x02eyJhbGciOiJub25lIn0.e30.")?;

    write("jwks", "set", &json!({"keys": [key, rsa, ec]}).to_string())?;
    write("jwks", "array", &json!([key]).to_string())?;
    write("jwks", "single", &key.to_string())?;
    write("jwks", "none", "{\"keys\":[]}")?;
    write(
        "jwks",
        "odd",
        "{\"keys\":[null,7,{\"kty\":\"oct\",\"k\":\"AA\"},{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"\"}]}",
    )?;

    write("cookie", "both", "DS=eyJ.a.b; DSR=eyJ.c.d; theme=dark")?;
    write("cookie", "several", "DS=; DS=\"eyJ.a.b\"\nDSR = eyJ.c.d ;;=;DSR\na=x; b=y")?;
    write("cookie", "bearer", "ABearer eyJ.a.b\nDS=eyJ.c.d")?;
    write("cookie", "dpop", "AdPoP  eyJ.a.b\nABasic YTpi")?;

    write("set_cookie", "both", "DS=eyJ.a.b; Path=/; HttpOnly; Secure; SameSite=Strict\nDSR=eyJ.c.d; Max-Age=60")?;
    write("set_cookie", "over", "DS=old\nDS=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT\nDS=\"new\"")?;
    write("set_cookie", "odd", "DS\n=x\nDS=a=b; Domain=.example.com; Max-Age=-1; Expires=x; SameSite=no")?;

    write("dpop", "claims", &format!("\0{}", proof_claims()))?;
    write("dpop", "claims_of_odd_types", "\0{\"jti\":[],\"htm\":1,\"htu\":\"\",\"iat\":1.5,\"ath\":null}")?;
    write("dpop", "header", &format!("\x01{}", proof_header()))?;
    write(
        "dpop",
        "private_key",
        "\x01{\"typ\":\"dpop+jwt\",\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}",
    )?;
    write("dpop", "url", &format!("\x02{URL}?a=b#c\nhttps\napi.example.com"))?;
    write("dpop", "whole", &format!("\x03{proof}"))?;

    // 0: a success; 1: a refusal; 2: `Retry-After`; 3: a parameter of a path.
    write("answer", "session", "\0{\"sessionJwt\":\"a.b.c\",\"refreshJwt\":\"d.e.f\",\"user\":{\"userId\":\"U1\"}}")?;
    write(
        "answer",
        "odd_members",
        "\0{\"sessionJwt\":\"a\",\"cookieMaxAge\":\"x\",\"user\":{\"OAuth\":{\"google\":null},\"loginIds\":[null,5]}}",
    )?;
    write(
        "answer",
        "large_numbers",
        "\0{\"customAttributes\":{\"n\":18446744073709551616,\"m\":1e400},\"name\":\"\\\"9\"}",
    )?;
    write("answer", "large_name", "\0{1e400:1,\"x\":1.7976931348623158e308}")?;
    write("answer", "half_characters", "\0{\"sessionJwt\":\"a\",\"name\":\"\\ud800\\ud83d\\ude00\",\"\\udfff\":1}")?;
    write("answer", "refusal", "\x01{\"errorCode\":\"E061102\",\"errorDescription\":\"Wrong\",\"error\":{}}")?;
    write("answer", "foreign", "\x01{\"error\":{\"code\":403,\"message\":[\"Forbidden\",{\"detail\":1}]}}")?;
    write("answer", "gateway", "\x01{\"code\":16,\"message\":\"Unauthenticated\",\"details\":[]}")?;
    write("answer", "page", "\x01<html>403</html>")?;
    write("answer", "seconds", "\x021.5")?;
    write("answer", "several", "\x023, 12 , soon")?;
    write("answer", "date", "\x02Wed, 25 Nov 2026 10:00:30 GMT")?;
    write("answer", "dots", "\x03..")?;
    write("answer", "windows", "\x03..\\..\\user\\test\\delete\\all")?;
    write("answer", "encoded", "\x03%2e%2e/;a\t\n\0\u{fc}?#")
}

fn write(target: &str, name: &str, seed: &str) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), seed)
}
