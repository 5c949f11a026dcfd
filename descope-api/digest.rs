/// FNV-1a over the bytes, in hex.
///
/// It only has to tell one bundle from the next, with nothing but the standard library, in the build script as well
/// as in `cargo xtask codegen`, which both include this file.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    format!("{hash:032x}")
}
