package outage_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func FuzzFTA(f *testing.F) {
	seed(f, "testdata/hostile.tab")
	f.Add([]byte(row("1", "0", "200", "260")))
	f.Fuzz(func(t *testing.T, file []byte) { check(t, read(t, "fta", file)) })
}

func FuzzLANL(f *testing.F) {
	seed(f, "testdata/hostile-lanl.csv")
	f.Add([]byte(lanlHead + "3,0,9/26/2003 16:40,9/27/2003 14:30\n"))
	f.Fuzz(func(t *testing.T, file []byte) { check(t, read(t, "lanl", file)) })
}

func FuzzCSV(f *testing.F) {
	seed(f, "testdata/hostile.csv")
	f.Add([]byte("a,1000,\na,1e3,2e3\nb,2001-09-09T01:46:40Z,\n"))
	f.Fuzz(func(t *testing.T, file []byte) { check(t, read(t, "csv", file)) })
}

func FuzzHostlife(f *testing.F) {
	log := "begin at=0 version=2 start=1700000000000000000 policy=\"fixed:2\";\n" +
		"joined at=0 id=\"a\" life=1 interval=10000000000;\n" +
		"evicted at=21000000000 id=\"a\" interval=10000000000 last-contact=0;\n" +
		"joined at=30000000000 id=\"a\" life=2 interval=10000000000;\n" +
		"late at=60000000000 id=\"a\" interval=10000000000 last-contact=30000000000;\n" +
		"left at=70000000000 id=\"a\" interval=10000000000 last-contact=69000000000;\n"
	f.Add([]byte(log))
	f.Add([]byte(log[:len(log)-5]))
	f.Add([]byte("joined at=5 id=\"" + strings.Repeat("\\xff", 1000) + "\";\nevicted at=9 interval=1 last-contact=2 id=\"b\";\n"))
	f.Fuzz(func(t *testing.T, file []byte) { check(t, read(t, "hostlife", file)) })
}

// seed adds the end of a file, whole and packed and broken off: not all of it, for the fuzzer takes long
// to shorten what is long.
func seed(f *testing.F, name string) {
	b, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	b = b[max(0, len(b)-2000):]
	f.Add(b)
	f.Add(b[:len(b)/2])
	z := packed(f, bytes.NewReader(b))
	f.Add(z)
	f.Add(z[:len(z)/2])
}
