package announcer

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// times returns the number of repetitions of a test: few, or with HOSTLIFE_LONG=1 many, as in
// RELIABILITY.md.
func times(few, many int) int {
	if os.Getenv("HOSTLIFE_LONG") == "1" {
		return many
	}
	return few
}
