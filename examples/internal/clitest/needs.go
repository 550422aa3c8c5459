package clitest

import (
	"os"
	"os/exec"
	"testing"
)

// Needs returns the path of a program of a Debian package, without which a test is skipped. In CI the
// test fails.
func Needs(t testing.TB, program, debian string) (path string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, which CI has: apt-get install %s", program, debian)
	}
	if err != nil {
		t.Skipf("%s is missing; to run this test: apt-get install %s", program, debian)
	}
	return path
}
