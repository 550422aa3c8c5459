package clitest

import (
	"os"
	"os/exec"
	"testing"
)

// Needs finds a program of a Debian package, without which a test is skipped. In CI the test fails.
func Needs(t testing.TB, program, debian string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, which CI has: apt-get install %s", program, debian)
	}
	t.Skipf("%s is missing; to run this test: apt-get install %s", program, debian)
}
