package mutants

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/parser"
	"go/printer"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Compiling the tests of a package takes most of a mutant's time, and a mutant needs one test.
// So all declarations that this test does not need are left out.

// A suite is the test files of a folder that the go command would compile here, by full name.
type suite struct {
	set   *token.FileSet
	files map[string]*ast.File
	types map[string]bool // that these files declare
}

// prune puts into the overlay the test files of a folder, reduced to what a test needs.
func prune(t *testing.T, root, dir, test string, o overlay) {
	t.Helper()
	s := parse(t, filepath.Join(root, filepath.FromSlash(dir)))
	needed, temp := s.closure(test), t.TempDir()
	for name, f := range s.files {
		o[name] = ""
		if s.reduce(f, needed) {
			var text bytes.Buffer
			require.NoError(t, printer.Fprint(&text, s.set, f))
			o[name] = filepath.Join(temp, filepath.Base(name))
			write(t, o[name], text.Bytes())
		}
	}
}

func parse(t *testing.T, folder string) *suite {
	t.Helper()
	s := newSuite()
	names, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	require.NoError(t, err)
	for _, name := range names {
		if ok, err := build.Default.MatchFile(folder, filepath.Base(name)); err == nil && ok {
			s.add(t, name, nil)
		}
	}
	return s
}

func newSuite() *suite {
	return &suite{set: token.NewFileSet(), files: map[string]*ast.File{}, types: map[string]bool{}}
}

// add leaves out comments, also those of a build constraint, which has been met.
func (s *suite) add(t *testing.T, name string, source any) {
	t.Helper()
	f, err := parser.ParseFile(s.set, name, source, parser.SkipObjectResolution)
	require.NoError(t, err)
	s.files[name] = f
	ast.Inspect(f, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			s.types[spec.Name.Name] = true
		}
		return true
	})
}

// closure is the set of names that a test needs: those that stand in a needed declaration. A name
// that is declared twice makes the closure larger, never too small. The names of fields and methods
// begin with a point.
func (s *suite) closure(test string) map[string]bool {
	needed := map[string]bool{test: true, "TestMain": true, "init": true, "_": true}
	done := map[ast.Decl]bool{}
	for grown := true; grown; {
		grown = false
		for _, f := range s.files {
			for _, d := range f.Decls {
				if !done[d] && s.isNeeded(d, needed) {
					done[d], grown = true, true
					mention(d, needed)
				}
			}
		}
	}
	return needed
}

func mention(n ast.Node, into map[string]bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			into["."+n.Sel.Name] = true
			if _, ok := n.X.(*ast.Ident); ok && n.Sel.IsExported() { // it may be a name of a package
				into[n.Sel.Name] = true
			}
			mention(n.X, into)
			return false
		case *ast.Ident:
			into[n.Name] = true
		}
		return true
	})
}

func (s *suite) isNeeded(d ast.Decl, needed map[string]bool) bool {
	return slices.ContainsFunc(s.declared(d), func(name string) bool { return needed[name] })
}

// declared are the names for which a declaration is needed. A method is needed with its type, for it
// may implement an interface. Where tests add a method to a type of the package, its own name counts.
func (s *suite) declared(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
		if r := receiver(d.Recv.List[0].Type); s.types[r] {
			return []string{r}
		}
		return []string{"." + d.Name.Name}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					names = append(names, id.Name)
				}
			}
		}
	}
	return names
}

// receiver is the name of a method's type, without * and type parameters.
func receiver(x ast.Expr) (name string) {
	ast.Inspect(x, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return name == ""
	})
	return name
}

// reduce leaves the needed declarations in a file, and the imports that they use. It returns false
// if nothing is left.
func (s *suite) reduce(f *ast.File, needed map[string]bool) bool {
	used := map[string]bool{}
	var imports, decls []ast.Decl
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			imports = append(imports, d)
		} else if s.isNeeded(d, needed) {
			decls = append(decls, d)
			mention(d, used)
		}
	}
	for _, d := range imports {
		g := d.(*ast.GenDecl)
		g.Specs = slices.DeleteFunc(g.Specs, func(s ast.Spec) bool { return !isUsed(s.(*ast.ImportSpec), used) })
	}
	imports = slices.DeleteFunc(imports, func(d ast.Decl) bool { return len(d.(*ast.GenDecl).Specs) == 0 })
	f.Decls = append(imports, decls...)
	return len(decls) > 0
}

var version = regexp.MustCompile(`(/v\d+|\.v\d+|-go)$`)

// isUsed guesses the name of an imported package from its path. A wrong guess does not compile.
func isUsed(s *ast.ImportSpec, used map[string]bool) bool {
	if s.Name != nil {
		return s.Name.Name == "_" || s.Name.Name == "." || used[s.Name.Name]
	}
	path, _ := strconv.Unquote(s.Path.Value)
	path = version.ReplaceAllString(path, "")
	return used[strings.TrimPrefix(path[strings.LastIndex(path, "/")+1:], "go-")]
}

func TestPruneLeavesWhatATestNeeds(t *testing.T) {
	s := newSuite()
	s.add(t, "x_test.go", `package x
import ("testing"; "os"; "math/rand/v2")
type kind int
type other int
func (*kind) String() string { return "" }
func (other) String() string { return "" }
func (r *Registry[M]) Open() {}
func (r *Registry[M]) Close() {}
var Opened, Closed = 1, 2
func helper() (k kind) { new(Registry[int]).Open(); _ = x.Opened; return kind(rand.Int()) }
func TestA(t *testing.T) { helper() }
func TestB(t *testing.T) { os.Exit(0) }
func TestMain(m *testing.M) {}
`)
	f := s.files["x_test.go"]
	require.True(t, s.reduce(f, s.closure("TestA")))
	left := map[string]bool{}
	for _, d := range f.Decls {
		for _, name := range s.declared(d) {
			left[name] = true
		}
	}
	require.Equal(t, []string{".Open", "Closed", "Opened", "TestA", "TestMain", "helper", "kind"}, slices.Sorted(maps.Keys(left)))
	require.Len(t, f.Decls[0].(*ast.GenDecl).Specs, 2, "without os")
}
