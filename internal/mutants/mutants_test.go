// Package mutants holds known bugs of systems of this kind, each put into our own source by a small
// edit. Under each mutant a named test must fail. It is no tool for random mutations, and it has
// nothing but tests.
//
// A mutant is one entry in one of the lists, which are the other files. No file is changed in
// place: the edited file lies in a temporary folder, and the flag -overlay tells the go command to
// compile it instead of ours.
//
// TestMutantsFit is fast and always runs. It finds mutants whose source text was changed or moved.
package mutants

import (
	"flag"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/internal/effort"
)

// A mutant is a bug that was seen elsewhere, and its form in our source.
type mutant struct {
	name  string // of the bug
	seen  string // where: an issue, or a file
	story string // what happened there, in a sentence

	file    string // of ours, by its path from the root of the repository
	is      string // text in that file, exactly once
	becomes string
	test    string // this test must fail
	pkg     string // the folder of the test; if empty, that of the file
	hangs   bool   // the test fails because it does not end
}

// dir is the folder of the test.
func (m *mutant) dir() string {
	if m.pkg != "" {
		return m.pkg
	}
	return path.Dir(m.file)
}

// TestMain lets one mutant more run than there are cores, because some tests wait.
func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", strconv.Itoa(runtime.GOMAXPROCS(0)+1))
	os.Exit(m.Run())
}

func all() []mutant {
	return slices.Concat(silence, intervals, identity, departures, events, periodic, arithmetic, bounds, callbacks, served, announcing, mirroring, sharing, roaming, stores, releasing)
}

func TestNoMutantSurvives(t *testing.T) {
	root := long(t)
	for _, m := range all() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			timeout := 2 * time.Minute
			if m.hangs {
				timeout = 5 * time.Second
			}
			overlay := edit(t, root, &m)
			prune(t, root, m.dir(), m.test, overlay)
			r := run(t, root, timeout, m.dir(), m.test, "-overlay="+save(t, overlay))
			switch {
			case !r.built:
				t.Fatalf("%s: the edit does not compile:\n%s", m.file, r.text)
			case r.tests[m.test] == "":
				t.Fatalf("%s has no %s:\n%s", m.dir(), m.test, r.text)
			case r.tests[m.test] == "pass":
				t.Fatalf("it survives: %s passes with this edit of %s\nseen at %s: %s\n- %s\n+ %s",
					m.test, m.file, m.seen, m.story, m.is, m.becomes)
			case r.hung != m.hangs:
				t.Fatalf("%s: it hangs: %v\n%s", m.test, r.hung, r.text)
			}
		})
	}
}

// A test that fails under a mutant fails because of the mutant: without the edits, all these tests
// pass. CI knows that already, because it runs the tests of all packages.
func TestAllPassWithoutMutants(t *testing.T) {
	root := long(t)
	if !effort.Long() {
		t.Skip("it runs tests of other packages again: HOSTLIFE_LONG=1 go test -timeout 40m ./internal/mutants")
	}
	tests := map[string][]string{}
	for _, m := range all() {
		tests[m.dir()] = append(tests[m.dir()], m.test)
	}
	for dir, names := range tests {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			r := run(t, root, 5*time.Minute, dir, anyOf(names))
			for _, name := range names {
				require.Equal(t, "pass", r.tests[name], "%s:\n%s", name, r.text)
			}
		})
	}
}

// long skips the test unless long tests were asked for. It returns the root of the repository.
func long(t *testing.T) string {
	t.Helper()
	if !effort.Full() {
		t.Skip("it compiles a package for each mutant: HOSTLIFE_LONG=1 go test -timeout 40m ./internal/mutants")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is missing: ", err)
	}
	return repository(t)
}

// repository is the root of the repository. A copy from the module cache lacks the nested modules,
// and is not tested.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(root, "go.work")); err != nil {
		t.Skip("this is no clone of the repository: ", err)
	}
	return root
}
