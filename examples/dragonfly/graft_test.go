package dragonfly_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A graft puts a package of this module in place of a part of a package of Dragonfly. Dragonfly's
// tests are white-box tests, so the code becomes part of their package, under their names.
type graft struct {
	from    string            // folder of this module
	into    string            // folder of Dragonfly
	file    string            // file of Dragonfly that has what is replaced
	dropped []string          // names of what is replaced, with their methods
	renamed map[string]string // names of ours, and what they are called there
	shim    string            // declarations with their signatures
}

const theirs = "d7y.io/dragonfly/v2/"

var grafts = []graft{
	{
		from: ".", into: "scheduler/resource/standard", file: "host_manager.go",
		dropped: []string{"hostManager", "newHostManager"},
		// A test of theirs compares the name of the type.
		renamed: map[string]string{"Hosts": "hostManager", "New": "newHosts"},
		shim: `
func newHostManager(cfg *config.GCConfig, gc pkggc.GC) (HostManager, error) {
	h, err := newHosts(cfg, gc, Options{})
	if err != nil {
		return nil, err
	}
	return h, nil
}
`,
	},
	{
		from: "tasks", into: "pkg/gc", file: "gc.go",
		dropped: []string{"gc", "Option", "WithLogger", "New"},
		renamed: map[string]string{"New": "newTasks"},
		shim: `
type Option func(*Options)

func WithLogger(logger Logger) Option { return func(o *Options) { o.Logger = logger } }

func New(options ...Option) GC {
	o := Options{Logger: &gcLogger{}}
	for _, set := range options {
		set(&o)
	}
	tasks, err := newTasks(o)
	if err != nil {
		panic(err)
	}
	return tasks
}
`,
	},
}

// apply changes a copy of Dragonfly's source.
func (g *graft) apply(t *testing.T, dir string) {
	t.Helper()
	replaced := filepath.Join(dir, g.into, g.file)
	write(t, replaced, g.without(t, replaced)+g.shim)
	ours, err := filepath.Glob(filepath.Join(g.from, "*.go"))
	require.NoError(t, err)
	for _, name := range ours {
		if !strings.HasSuffix(name, "_test.go") {
			write(t, filepath.Join(dir, g.into, "hostlife_"+filepath.Base(name)), g.moved(t, name))
		}
	}
}

// moved returns a file of ours as a file of their package.
func (g *graft) moved(t *testing.T, name string) string {
	s := parse(t, name)
	s.replace(s.file.Name, path.Base(g.into))
	alias := ""
	for _, spec := range s.file.Imports {
		if pathOf(spec) == theirs+g.into {
			alias = nameOf(spec)
			s.replace(spec, "")
		}
	}
	selected := map[*ast.Ident]bool{}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			selected[n.Sel] = true
			if x, ok := n.X.(*ast.Ident); ok && x.Name == alias {
				s.edits = append(s.edits, edit{x.Pos(), n.Sel.Pos(), ""})
			}
		case *ast.Ident:
			if name := g.renamed[n.Name]; name != "" && !selected[n] {
				s.replace(n, name)
			}
		}
		return true
	})
	return s.edited()
}

// without returns a file of theirs without what is replaced, and without imports that only this
// uses, unless the shim uses them.
func (g *graft) without(t *testing.T, name string) string {
	s := parse(t, name)
	used := map[string]bool{}
	for _, d := range s.file.Decls {
		if slices.Contains(g.dropped, declared(d)) {
			s.replace(d, "")
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok {
					used[x.Name] = true
				}
			}
			return true
		})
	}
	for _, spec := range s.file.Imports {
		if !used[nameOf(spec)] && !strings.Contains(g.shim, nameOf(spec)+".") {
			s.replace(spec, "")
		}
	}
	return s.edited()
}

// declared returns the name of a type or a function, and the name of its type for a method.
func declared(d ast.Decl) string {
	switch d := d.(type) {
	case *ast.GenDecl:
		if spec, ok := d.Specs[0].(*ast.TypeSpec); ok {
			return spec.Name.Name
		}
	case *ast.FuncDecl:
		if d.Recv == nil {
			return d.Name.Name
		}
		recv := d.Recv.List[0].Type
		if star, ok := recv.(*ast.StarExpr); ok {
			recv = star.X
		}
		return recv.(*ast.Ident).Name
	}
	return ""
}

// A source is a file, and edits of its text.
type source struct {
	text  []byte
	file  *ast.File
	base  token.Pos
	edits []edit
}

type edit struct {
	from, to token.Pos
	text     string
}

func parse(t *testing.T, name string) *source {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
	require.NoError(t, err)
	return &source{text: text, file: file, base: file.FileStart}
}

func (s *source) replace(n ast.Node, text string) {
	s.edits = append(s.edits, edit{n.Pos(), n.End(), text})
}

func (s *source) edited() string {
	slices.SortFunc(s.edits, func(a, b edit) int { return int(a.from - b.from) })
	var b bytes.Buffer
	at := s.base
	for _, e := range s.edits {
		b.Write(s.text[at-s.base : e.from-s.base])
		b.WriteString(e.text)
		at = e.to
	}
	b.Write(s.text[at-s.base:])
	return b.String()
}

func pathOf(spec *ast.ImportSpec) string {
	p, _ := strconv.Unquote(spec.Path.Value)
	return p
}

func nameOf(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	return path.Base(pathOf(spec))
}

func write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
}
