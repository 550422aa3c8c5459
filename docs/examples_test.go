package docs_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// README.md here lists an Example for each concept. Each is where its link leads, and each Example of
// hostmgr and of the packages below it is in the list.
func TestTheListOfExamples(t *testing.T) {
	here := map[string]bool{}
	for _, pattern := range []string{"../*_test.go", "../*/*_test.go", "../*/*/*_test.go"} {
		for file, examples := range examplesOf(t, pattern) {
			for _, e := range examples {
				here["Example"+e.Name+"]("+file+")"] = true
			}
		}
	}
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile(`\w+\.(Example\w*\]\([\w./]+\))`).FindAllStringSubmatch(pages(t)["README.md"], -1) {
		require.True(t, here[row[1]], row[1])
		listed[row[1]] = true
	}
	require.GreaterOrEqual(t, len(listed), 50)
	for example := range here {
		if strings.Contains(example, "](../hostmgr/") {
			require.True(t, listed[example], "%s is not in docs/README.md", example)
		}
	}
}

// A newcomer copies an Example of hostmgr, or of a package below it, and runs it. So go/doc can make a
// program of each, and its output is checked.
func TestExamplesCanBeCopied(t *testing.T) {
	for _, pattern := range []string{"../hostmgr/*_test.go", "../hostmgr/*/*_test.go"} {
		for file, examples := range examplesOf(t, pattern) {
			for _, e := range examples {
				require.NotNil(t, e.Play, "%s: Example%s", file, e.Name)
				require.NotEmpty(t, e.Output, "%s: Example%s", file, e.Name)
				require.NotEmpty(t, e.Doc, "%s: Example%s", file, e.Name)
			}
		}
	}
}

// examplesOf returns the Examples in each file, by its path from here.
func examplesOf(t *testing.T, pattern string) map[string][]*doc.Example {
	files, err := filepath.Glob(filepath.FromSlash(pattern))
	require.NoError(t, err)
	examples := map[string][]*doc.Example{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		examples[filepath.ToSlash(name)] = doc.Examples([]*ast.File{file}...)
	}
	return examples
}
