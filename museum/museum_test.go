// Package museum holds known bugs of systems of this kind, each put back into our own source by a
// small edit. Under each the suite must fail: what was learned elsewhere is not unlearned here.
//
// An exhibit is one entry in one of the halls, which are the other files. Nothing is edited in
// place: the edited file lies in a temporary folder, and the go command is told by -overlay to
// compile it instead of ours.
package museum

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An exhibit is a bug that was seen elsewhere, and how it would look here.
type exhibit struct {
	name  string // of the bug
	seen  string // where: an issue, or a file
	story string // what happened there, in a sentence

	file    string // of ours, by its path from the root of the module
	is      string // what stands there, exactly once
	becomes string
	test    string // of the file's package, that must fail
	hangs   bool   // it does so by not coming to an end
}

func (x *exhibit) pkg() string { return "./" + filepath.ToSlash(filepath.Dir(x.file)) }

// halls are all exhibits.
func halls() []exhibit {
	return slices.Concat(silence, rhythm, identity, departures, events, periodic, arithmetic, bounds, callbacks)
}

func TestNoExhibitSurvives(t *testing.T) {
	root := module(t)
	for _, x := range halls() {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			timeout := 2 * time.Minute
			if x.hangs {
				timeout = 5 * time.Second
			}
			o := play(t, root, timeout, x.pkg(), x.test, "-overlay="+overlay(t, root, x))
			switch {
			case !o.built:
				t.Fatalf("%s: the edit does not compile:\n%s", x.file, o.text)
			case o.tests[x.test] == "":
				t.Fatalf("%s has no %s:\n%s", x.pkg(), x.test, o.text)
			case o.tests[x.test] == "pass":
				t.Fatalf("it survives: %s passes with this edit of %s\nseen at %s: %s\n- %s\n+ %s",
					x.test, x.file, x.seen, x.story, x.is, x.becomes)
			case o.hung != x.hangs:
				t.Fatalf("%s: it hangs: %v\n%s", x.test, o.hung, o.text)
			}
		})
	}
}

// What fails under an exhibit fails because of it: without, all these tests pass.
func TestWithoutEditsAllPass(t *testing.T) {
	root := module(t)
	tests := map[string][]string{}
	for _, x := range halls() {
		tests[x.pkg()] = append(tests[x.pkg()], x.test)
	}
	for pkg, names := range tests {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			o := play(t, root, 5*time.Minute, pkg, strings.Join(names, "|"))
			for _, name := range names {
				require.Equal(t, "pass", o.tests[name], "%s:\n%s", name, o.text)
			}
		})
	}
}

// module is the root of the module, where the go command works. Without one there is no museum.
func module(t *testing.T) string {
	t.Helper()
	if os.Getenv("CI") != "true" && os.Getenv("HOSTLIFE_LONG") != "1" {
		t.Skip("it compiles a package for each exhibit, which takes some ten minutes: HOSTLIFE_LONG=1 go test -timeout 40m ./museum")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is not there: ", err)
	}
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	return root
}

// overlay makes the edited file, and returns the name of what tells the go command of it.
func overlay(t *testing.T, root string, x exhibit) string {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(x.file))
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(source), x.is),
		"the exhibit no longer fits: %s must have this exactly once:\n%s", x.file, x.is)

	edited := filepath.Join(t.TempDir(), filepath.Base(file))
	write(t, edited, []byte(strings.Replace(string(source), x.is, x.becomes, 1)))
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{file: edited}})
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "overlay.json")
	write(t, name, replace)
	return name
}

func write(t *testing.T, name string, what []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, what, 0o600))
}

// An outcome is what became of tests.
type outcome struct {
	built bool
	tests map[string]string // by name: pass, fail, skip, or run if it took the process with it
	hung  bool
	text  string // all that was said
}

// play runs those tests of a package that the pattern matches as a whole.
func play(t *testing.T, root string, timeout time.Duration, pkg, tests string, args ...string) outcome {
	t.Helper()
	args = append([]string{"test", "-json", "-vet=off", "-race=false", "-count=1",
		"-gcflags=-N -l", // nearly all the time goes to the compiler, and half of that to optimising
		"-timeout=" + timeout.String(), "-run=^(?:" + tests + ")$"}, args...)
	c := exec.CommandContext(t.Context(), "go", append(args, pkg)...)
	c.Dir = root
	c.Env = append(c.Environ(), "HOSTLIFE_LONG=")
	said, err := c.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o := outcome{built: true, tests: map[string]string{}}
	for line := range bytes.Lines(said) {
		o.hear(line)
	}
	if exit != nil {
		o.text += string(exit.Stderr)
	}
	return o
}

// hear takes in one line of test2json.
func (o *outcome) hear(line []byte) {
	var e struct{ Action, Test, Output, FailedBuild string }
	if err := json.Unmarshal(line, &e); err != nil {
		o.text += string(line)
		return
	}
	o.text += e.Output
	o.built = o.built && e.FailedBuild == ""
	o.hung = o.hung || strings.HasPrefix(e.Output, "panic: test timed out after")
	if e.Test != "" && e.Action != "output" {
		o.tests[e.Test] = e.Action
	}
}
