package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
)

// counts are the counts of one package.
type counts struct {
	pkg      string
	files    []string
	exported int                        // names of the package, without methods and fields
	methods  map[string]int             // by type
	fields   map[string]int             // by struct type
	uses     map[string]map[string]bool // by file: the other files whose names it uses
}

// load parses and type-checks a folder. Imports may be missing or fail to compile: only the names
// of the package itself count.
func load(folder string) (*counts, error) {
	found, err := build.ImportDir(folder, 0)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range found.GoFiles {
		f, err := parser.ParseFile(set, filepath.Join(folder, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(set, "source", nil), Error: func(error) {}}
	pkg, _ := config.Check(found.ImportPath, set, files, info)
	if pkg == nil {
		return nil, fmt.Errorf("%s cannot be type-checked", folder)
	}
	c := &counts{pkg: found.Name, files: found.GoFiles, methods: map[string]int{}, fields: map[string]int{}}
	c.types(pkg)
	c.edges(set, pkg, info)
	return c, nil
}

func (c *counts) types(pkg *types.Package) {
	for _, name := range pkg.Scope().Names() {
		if token.IsExported(name) {
			c.exported++
		}
		declared, ok := pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok || declared.IsAlias() {
			continue
		}
		if named, ok := declared.Type().(*types.Named); ok {
			c.methods[name] = named.NumMethods()
		}
		if s, ok := declared.Type().Underlying().(*types.Struct); ok {
			c.fields[name] = s.NumFields()
		}
	}
}

// edges finds the files whose names each file uses. Locals never cross a file. Fields and methods
// of the package count like its other names.
func (c *counts) edges(set *token.FileSet, pkg *types.Package, info *types.Info) {
	c.uses = map[string]map[string]bool{}
	for id, object := range info.Uses {
		if object.Pkg() != pkg || !object.Pos().IsValid() {
			continue
		}
		from, to := fileOf(set, id.Pos()), fileOf(set, object.Pos())
		if from != to {
			if c.uses[from] == nil {
				c.uses[from] = map[string]bool{}
			}
			c.uses[from][to] = true
		}
	}
}

func fileOf(set *token.FileSet, pos token.Pos) string {
	return filepath.Base(set.Position(pos).Filename)
}

// largestCycle returns the largest set of files that all depend on one another, or nil.
func (c *counts) largestCycle() (largest []string) {
	reach := map[string]map[string]bool{}
	for _, f := range c.files {
		reach[f] = map[string]bool{}
		c.follow(f, reach[f])
	}
	for _, f := range c.files {
		var cycle []string
		for _, other := range c.files {
			if reach[f][other] && reach[other][f] {
				cycle = append(cycle, other)
			}
		}
		if len(cycle) > len(largest) {
			largest = cycle
		}
	}
	return largest
}

func (c *counts) follow(f string, into map[string]bool) {
	for to := range c.uses[f] {
		if !into[to] {
			into[to] = true
			c.follow(to, into)
		}
	}
}

// byCount returns the names, those with the largest counts first, and equal ones by name.
func byCount(of map[string]int) []string {
	return slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(of[b]-of[a], cmp.Compare(a, b))
	})
}
