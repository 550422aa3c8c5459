// Package docs_test has the code of these pages and of README.md, and checks that it compiles.
package docs_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each block of Go in README.md and in the pages of docs is a part of a Go file of this repository,
// or a program that compiles by itself. To show new code, first write it in an Example or in a test.
func TestTheCodeCompiles(t *testing.T) {
	sources := goFiles(t)
	for page, text := range pages(t) {
		for _, code := range blocks(text) {
			switch {
			case contains(sources, code):
			case strings.HasPrefix(code, "package main\n"):
				vet(t, page, code)
			default:
				t.Errorf("%s: no Go file has this code:\n%s", page, code)
			}
		}
	}
}

// pages returns the text of README.md and of each page of docs, by its path from here.
func pages(t *testing.T) map[string]string {
	names, err := filepath.Glob("*.md")
	require.NoError(t, err)
	texts := map[string]string{}
	for _, name := range append(names, "../README.md") {
		text, err := os.ReadFile(filepath.FromSlash(name))
		require.NoError(t, err)
		texts[name] = string(text)
	}
	return texts
}

var fenced = regexp.MustCompile("(?ms)^```go\n(.*?)^```")

func blocks(page string) (code []string) {
	for _, block := range fenced.FindAllStringSubmatch(page, -1) {
		code = append(code, block[1])
	}
	return code
}

// contains reports whether the lines of the code follow each other in one of the files. Indentation,
// alignment and empty lines do not matter.
func contains(files []string, code string) bool {
	want := normal(code)
	for _, file := range files {
		if strings.Contains(file, want) {
			return true
		}
	}
	return false
}

// normal returns a text whose lines have single spaces between words. Each line, the first one too,
// follows a newline.
func normal(text string) string {
	normal := "\n"
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			normal += strings.Join(words, " ") + "\n"
		}
	}
	return normal
}

// goFiles returns all Go files of the repository, as normal returns them.
func goFiles(t *testing.T) (files []string) {
	require.NoError(t, filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" {
			return err
		}
		text, err := os.ReadFile(name)
		files = append(files, normal(string(text)))
		return err
	}))
	return files
}

// vet compiles a program as if it were in a module that requires the modules of this repository.
func vet(t *testing.T, page, program string) {
	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, []byte(program), 0o600))
	output, err := exec.CommandContext(t.Context(), "go", "vet", file).CombinedOutput()
	require.NoError(t, err, "%s: %s", page, output)
}

func TestCodeThatIsNowhereIsFound(t *testing.T) {
	files := []string{normal("func f() {\n\tone()\n\n\ttwo(1)    // a comment\n}\n")}
	for code, found := range map[string]bool{
		"one()\ntwo(1) // a comment\n": true,
		"    two(1)\t// a comment\n":   true,
		"two(1)\n":                     false,
		"one()\n}\n":                   false,
		"two(1) // a comment\none()\n": false,
	} {
		require.Equal(t, found, contains(files, code), "%q", code)
	}
	require.Equal(t, []string{"a\n", "b\n"}, blocks("```go\na\n```\ntext\n```sh\nc\n```\n\n```go\nb\n```\n"))
}

var (
	link   = regexp.MustCompile(`\]\(([^)#:\s]+)\)`)
	anchor = regexp.MustCompile(`\]\(([^):\s]*)#([^)\s]+)\)`)
	title  = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// Each link to a file of the repository leads somewhere, and so does each link to a section.
func TestTheLinksLeadSomewhere(t *testing.T) {
	for page, text := range pages(t) {
		folder := filepath.Dir(page)
		for _, to := range link.FindAllStringSubmatch(text, -1) {
			_, err := os.Stat(filepath.Join(folder, filepath.FromSlash(to[1])))
			require.NoError(t, err, page)
		}
		for _, to := range anchor.FindAllStringSubmatch(text, -1) {
			target := text
			if to[1] != "" {
				read, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(to[1])))
				require.NoError(t, err, page)
				target = string(read)
			}
			require.Contains(t, sections(target), to[2], "%s: no such section in %s", page, to[1])
		}
	}
}

// sections returns the anchors that GitHub gives to the titles of a page.
func sections(page string) (anchors []string) {
	other := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, t := range title.FindAllStringSubmatch(page, -1) {
		name := other.ReplaceAllString(strings.ToLower(t[1]), "")
		anchors = append(anchors, strings.ReplaceAll(name, " ", "-"))
	}
	return anchors
}
