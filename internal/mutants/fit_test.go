package mutants

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each mutant's text stands exactly once in its file, and its test exists. Otherwise this test says
// which mutants do not fit, and where the text or the test is now.
func TestMutantsFit(t *testing.T) {
	root := repository(t)
	tree := read(t, root)
	misfits, names := 0, map[string]bool{}
	for _, m := range all() {
		if names[m.name] {
			t.Errorf("%q: another mutant has this name", m.name)
		}
		names[m.name] = true
		if why := tree.misfit(&m); why != "" {
			misfits++
			t.Errorf("%q: %s", m.name, why)
		}
	}
	t.Logf("%d of %d mutants do not fit", misfits, len(all()))
}

// A tree is the text of all Go and Lua files of the repository, by path from its root.
type tree map[string]string

func read(t *testing.T, root string) tree {
	t.Helper()
	files := tree{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" && filepath.Ext(name) != ".lua" {
			return nil
		}
		text, err := os.ReadFile(name)
		rel, _ := filepath.Rel(root, name)
		files[filepath.ToSlash(rel)] = string(text)
		return err
	})
	require.NoError(t, err)
	return files
}

// misfit says why a mutant does not fit, or nothing if it does.
func (files tree) misfit(m *mutant) string {
	if text, ok := files[m.file]; !ok {
		return fmt.Sprintf("there is no file %s; its text is in %v", m.file, files.with(m.is, false))
	} else if n := strings.Count(text, m.is); n == 0 {
		return fmt.Sprintf("%s has no longer this text, which is in %v:\n%s", m.file, files.with(m.is, false), m.is)
	} else if n > 1 {
		return fmt.Sprintf("%s has this text %d times, not once:\n%s", m.file, n, m.is)
	}
	in := files.with("func "+m.test+"(", true)
	for _, file := range in {
		if filepath.ToSlash(filepath.Dir(file)) == m.dir() {
			return ""
		}
	}
	return fmt.Sprintf("no file of %s has its test %s, which is in %v", m.dir(), m.test, in)
}

// with returns the test files, or else the other files, that have a piece of text.
func (files tree) with(piece string, tests bool) (names []string) {
	for name, text := range files {
		if strings.HasSuffix(name, "_test.go") == tests && strings.Contains(text, piece) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func anyOf(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = regexp.QuoteMeta(name)
	}
	return strings.Join(quoted, "|")
}
