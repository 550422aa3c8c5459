package share_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

var massHosts = flag.Int("mass", 0, "hosts of the tests with many hosts")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
