package embedded_test

import (
	"flag"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "4") // these tests wait more than they work
	os.Exit(m.Run())
}
