package announcer

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/hostlife/hostlife/internal/effort"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// times returns how often a test tries something.
var times = effort.Times[int]
