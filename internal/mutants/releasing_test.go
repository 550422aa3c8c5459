package mutants

// What a release leaves out, so that an embedder cannot use it.
var releasing = []mutant{
	{
		name:    "a released go.mod requires a version that does not exist",
		seen:    "found here: contrib/hostprom, fetched from a proxy as an embedder would",
		story:   "The go.mod of a nested module required v0.0.0 behind a replacement. The go command ignores replacements of a dependency.",
		file:    "internal/release/release.go",
		is:      "file.AddRequire(other.Path, r.version)",
		becomes: `file.AddRequire(other.Path, "v0.0.0")`,
		test:    "TestAStrangerBuildsWhatIsReleased",
	},
}
