// Package rules tests the import rules of the repository. The linter knows some of them. This test
// needs no linter, and covers packages that do not exist yet. It reads source text only.
package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module = "github.com/hostlife/hostlife/"
	below  = "hostmgr/internal/" // the registry's own packages
)

// imports lists which of our packages each package may import: as the picture in ARCHITECTURE.md
// shows, and these. A package below hostmgr/internal that is not listed may import none.
var imports = map[string][]string{
	"contrib/hostetcd":          {"clock", "hostmgr", "hostmgr/share"}, // without the server
	"contrib/hostetcd/embedded": {"hostmgr"},
}

func TestMain(m *testing.M) {
	maps.Copy(imports, picture.imports)
	os.Exit(m.Run())
}

// importers lists the packages that only some packages may import, with those packages.
var importers = map[string][]string{
	below + "index": {"hostmgr"},
}

// forTests lists the packages that only tests import.
var forTests = []string{"hostmgr/hosttest", "hostmgr/share/storetest", "internal/effort"}

// Below hostmgr/internal only these may own a mutex or start a goroutine, or be generic.
var (
	concurrent = []string{below + "calls/", below + "cleanup/", below + "eventlog/", below + "index/arrivals.go"}
	generic    = []string{below + "cleanup/", "hostmgr/share/internal/member/shed.go"} // its functions are used there only

	// pure has the other packages that these rules bind.
	pure = []string{"hostmgr/share/internal/feed/", "hostmgr/share/internal/member/", "hostmgr/share/internal/record/"}
)

func TestRules(t *testing.T) {
	for _, broken := range check(t, root) {
		t.Error(broken)
	}
}

// check returns each place in a tree of Go files that breaks a rule.
func check(t *testing.T, root string) (broken []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		rel, err := filepath.Rel(root, name)
		require.NoError(t, err)
		s := &source{name: filepath.ToSlash(rel), set: token.NewFileSet()}
		s.file, err = parser.ParseFile(s.set, name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		s.check()
		broken = append(broken, s.broken...)
		return nil
	}))
	return broken
}

// A source is a file, and the places where it breaks rules.
type source struct {
	name   string // from the root
	set    *token.FileSet
	file   *ast.File
	broken []string
}

func (s *source) folder() string { return path.Dir(s.name) }

func (s *source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }

func (s *source) breaks(at ast.Node, rule string) {
	line := s.set.Position(at.Pos()).Line
	s.broken = append(s.broken, s.name+":"+strconv.Itoa(line)+": "+rule)
}

func (s *source) check() {
	for _, spec := range s.file.Imports {
		quoted, _ := strconv.Unquote(spec.Path.Value)
		if imported, ok := strings.CutPrefix(quoted, module); ok {
			s.checkImport(spec, imported)
		}
	}
	if s.folder() == "hostmgr" && s.name != "hostmgr/registry.go" && !s.isTest() {
		ast.Inspect(s.file, s.checkGuarded)
	}
	if (strings.HasPrefix(s.name, below) || s.in(pure)) && !s.isTest() {
		ast.Inspect(s.file, func(n ast.Node) bool {
			s.checkNode(n)
			return true
		})
	}
}

func (s *source) checkImport(spec ast.Node, imported string) {
	inside := strings.HasPrefix(s.name, below)
	switch allowed, listed := imports[s.folder()]; {
	case inside && (imported == "hostmgr" || imported == "gc"):
		s.breaks(spec, below+"* never imports "+imported)
	case s.folder() == "hostmgr" && imported == "gc" && !s.isTest():
		s.breaks(spec, "hostmgr never imports gc")
	case slices.Contains(forTests, imported) && !s.isTest():
		s.breaks(spec, "only tests import "+imported)
	case s.folder() == "gc" && strings.HasPrefix(imported, "hostmgr"):
		s.breaks(spec, "gc knows nothing of hosts")
	case (listed || inside) && !s.isTest() && !slices.Contains(allowed, imported):
		s.breaks(spec, s.folder()+" may not import "+imported)
	}
	if only, ok := importers[imported]; ok && s.folder() != imported && !slices.Contains(only, s.folder()) {
		s.breaks(spec, imported+" is imported by "+strings.Join(only, ", ")+" only")
	}
}

// checkNode checks the rules for code below hostmgr/internal.
func (s *source) checkNode(n ast.Node) {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		x, _ := n.X.(*ast.Ident)
		switch {
		case x != nil && x.Name == "time" && slices.Contains(readings, n.Sel.Name):
			s.breaks(n, "time arrives as an argument, not from time."+n.Sel.Name)
		case x != nil && x.Name == "sync" && slices.Contains(locks, n.Sel.Name) && !s.in(concurrent):
			s.breaks(n, "it may not own a sync."+n.Sel.Name)
		}
	case *ast.GoStmt:
		if !s.in(concurrent) {
			s.breaks(n, "it may not start a goroutine")
		}
	case *ast.TypeSpec:
		if n.TypeParams != nil && !s.in(generic) {
			s.breaks(n, "it may not be generic")
		}
	case *ast.FuncType:
		if n.TypeParams != nil && !s.in(generic) {
			s.breaks(n, "it may not be generic")
		}
	}
}

var (
	readings = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	locks    = []string{"Mutex", "RWMutex", "Cond", "WaitGroup", "Once", "Map"}
)

// checkGuarded finds uses of what the registry's lock guards around lock, rlock and peek.
func (s *source) checkGuarded(n ast.Node) bool {
	if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "guarded" {
		s.breaks(sel, "only registry.go uses guarded: lock, rlock and peek return it")
	}
	return true
}

func (s *source) in(places []string) bool {
	return slices.ContainsFunc(places, func(p string) bool { return strings.HasPrefix(s.name, p) })
}

func TestEachRuleCanBreak(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"hostmgr/x.go":                       `import _ "` + module + `gc"`,
		"hostmgr/y.go":                       `import _ "` + module + below + `index"`,
		"hostmgr/z.go":                       `var _ = r.guarded`,
		"hostmgr/registry.go":                `var _ = r.guarded`,
		"hostmgr/hosttest/x.go":              `import _ "` + module + `histogram"`,
		"hostmgr/share/y.go":                 `import _ "` + module + `hostmgr/hosttest"`,
		"hostmgr/share/y_test.go":            `import _ "` + module + `hostmgr/hosttest"`,
		"hostmgr/share/z.go":                 `import _ "` + module + `hostmgr/share/storetest"`,
		"hostmgr/share/internal/feed/x.go":   `import _ "` + module + `clock"`,
		"hostmgr/share/internal/member/x.go": `import "time"; var _ = time.Now; func f() { go f() }`,
		"hostmgr/share/x.go":                 `import _ "` + module + below + `index"`,
		"gc/x.go":                            `import _ "` + module + `hostmgr/flight"`,
		below + "cleanup/x.go":               "import _ \"" + module + below + "monotime\"; import \"sync\"; type Queue[D any] struct{ mu sync.Mutex }; func f() { go f() }",
		below + "cleanup/y.go":               `import _ "` + module + `clock"`,
		below + "detector/x_test.go":         `import _ "` + module + `hostmgr"`,
		below + "detector/y_test.go":         `import "time"; import _ "` + module + `clock"; var _ = time.Now`,
		below + "detector/z.go":              `import "time"; var _ = time.Now`,
		below + "evictlimit/x.go":            `import _ "` + module + below + `index"`,
		below + "index/arrivals.go":          `import "sync"; var mu sync.Mutex`,
		below + "index/x.go":                 `import "sync"; var mu sync.RWMutex`,
		below + "monotime/x.go":              `import _ "` + module + `clock"`,
		below + "pacing/x.go":                `func f[T any]() { go f[T]() }`,
		below + "unheard/x.go":               `import _ "` + module + `histogram"`,
		"examples/x/testdata/x.go":           `this is not Go`,
		"examples/internal/schedulerd/ok.go": `import _ "` + module + `hostmgr"`,
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte("package p\n"+strings.ReplaceAll(text, "; ", "\n")), 0o600))
	}
	require.ElementsMatch(t, []string{
		"hostmgr/x.go:2: hostmgr never imports gc",
		"hostmgr/z.go:2: only registry.go uses guarded: lock, rlock and peek return it",
		"hostmgr/hosttest/x.go:2: hostmgr/hosttest may not import histogram",
		"hostmgr/share/y.go:2: only tests import hostmgr/hosttest",
		"hostmgr/share/z.go:2: only tests import hostmgr/share/storetest",
		"hostmgr/share/internal/feed/x.go:2: hostmgr/share/internal/feed may not import clock",
		"hostmgr/share/internal/member/x.go:3: time arrives as an argument, not from time.Now",
		"hostmgr/share/internal/member/x.go:4: it may not start a goroutine",
		"hostmgr/share/x.go:2: hostmgr/share may not import hostmgr/internal/index",
		"hostmgr/share/x.go:2: hostmgr/internal/index is imported by hostmgr only",
		"gc/x.go:2: gc knows nothing of hosts",
		"hostmgr/internal/cleanup/y.go:2: hostmgr/internal/cleanup may not import clock",
		"hostmgr/internal/detector/x_test.go:2: hostmgr/internal/* never imports hostmgr",
		"hostmgr/internal/detector/z.go:3: time arrives as an argument, not from time.Now",
		"hostmgr/internal/evictlimit/x.go:2: hostmgr/internal/evictlimit may not import hostmgr/internal/index",
		"hostmgr/internal/evictlimit/x.go:2: hostmgr/internal/index is imported by hostmgr only",
		"hostmgr/internal/index/x.go:3: it may not own a sync.RWMutex",
		"hostmgr/internal/pacing/x.go:2: it may not be generic",
		"hostmgr/internal/pacing/x.go:2: it may not start a goroutine",
		"hostmgr/internal/unheard/x.go:2: hostmgr/internal/unheard may not import histogram",
	}, check(t, root))
}
