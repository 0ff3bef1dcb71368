import Simulation

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The seed of a random test: `MARTLET_SEED` of the environment, or a new one. Printed first.
func testSeed(_ test: String = #function) -> UInt64 {
  let given = unsafe getenv("MARTLET_SEED").flatMap { unsafe UInt64(String(cString: $0)) }
  let seed = given ?? UInt64.random(in: 0..<1_000_000_000)
  print("\(test): MARTLET_SEED=\(seed)")
  return seed
}
