package rules

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	root    = filepath.Join("..", "..")
	picture = readPicture()
)

// A drawing is what the picture in ARCHITECTURE.md shows.
type drawing struct {
	imports map[string][]string // of each package that is shown, those to which arrows point
	trees   []string            // folders that are shown with all that is below them
	unclear []string            // lines with something that is no folder
}

// readPicture returns the picture of the repository.
func readPicture() *drawing {
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(string(text), "## Packages")
	_, rest, _ = strings.Cut(rest, "```\n")
	lines, _, _ := strings.Cut(rest, "```")
	return parsePicture(lines)
}

// parsePicture reads lines of a picture. Each has folders, an arrow, the folders that they import,
// and a comment. A line that begins with an arrow shows what the latest line without one imports.
// What stands above hostmgr imports hostmgr.
func parsePicture(lines string) *drawing {
	d := &drawing{imports: map[string][]string{}}
	importer, above := "", []string{"hostmgr"}
	for line := range strings.Lines(lines) {
		line = strings.Trim(line, " │▼\n")
		names, imported, ok := parseLine(strings.TrimLeft(line, "├└─► "))
		switch {
		case line == "":
			continue
		case !ok:
			d.unclear = append(d.unclear, line)
			continue
		case strings.HasPrefix(line, "├") || strings.HasPrefix(line, "└"):
			d.imports[importer] = append(d.imports[importer], names...)
		default:
			if importer = names[0]; importer == "hostmgr" {
				above = nil
			}
			imported = append(imported, above...)
		}
		d.add(names, imported)
	}
	return d
}

// parseLine returns the folders at the start of a line, and those after its arrow.
func parseLine(line string) (names, imported []string, ok bool) {
	names, ok = cutFolders(&line)
	if after, arrow := strings.CutPrefix(line, "──►"); ok && arrow {
		imported, ok = cutFolders(&after)
	}
	return names, imported, ok
}

// add notes what folders import. A name with a slash at its end is that of a tree.
func (d *drawing) add(names, imported []string) {
	for _, name := range names {
		if tree, ok := strings.CutSuffix(name, "/"); ok {
			d.trees = append(d.trees, tree)
		} else {
			d.imports[name] = append(d.imports[name], imported...)
		}
	}
}

// shows reports whether a folder is shown, or lies in a tree.
func (d *drawing) shows(folder string) bool {
	_, shown := d.imports[folder]
	return shown || slices.ContainsFunc(d.trees, func(tree string) bool { return folder == tree || strings.HasPrefix(folder, tree+"/") })
}

// cutFolders removes the names of folders from the start of a line and returns them from the root.
// After a comma or a slash another name may follow, and after a comma it must.
func cutFolders(line *string) (folders []string, ok bool) {
	for {
		*line = strings.TrimLeft(*line, " ")
		word, _, _ := strings.Cut(*line, " ")
		name := strings.TrimSuffix(word, ",")
		folder := find(name)
		if folder == "" {
			return folders, ok
		}
		folders = append(folders, folder)
		*line = strings.TrimLeft((*line)[len(word):], " ")
		if ok = name == word; ok && !strings.HasSuffix(name, "/") {
			return folders, true
		}
	}
}

// find returns the folder that a name in the picture means, from the root, or nothing.
func find(name string) string {
	for _, within := range []string{"", "hostmgr", "hostmgr/internal", "hostmgr/share/internal"} {
		folder := path.Join(within, name)
		if info, err := os.Stat(filepath.Join(root, folder)); name != "" && err == nil && info.IsDir() {
			return folder + strings.TrimPrefix(name, strings.TrimSuffix(name, "/"))
		}
	}
	return ""
}

func TestParsePicture(t *testing.T) {
	d := parsePicture(`
examples/  contrib/hostprom/ ──► share    trees
   │
   ▼
hostmgr/share ──► clock, shared    clock is no import in a comment
   └─► share/internal/member ──► feed, record what one member does
hostmgr
   ├─► hostmgr/internal/pacing     the interval
   └─► clock, histogram
gc ──► nowhere
clock, nowhere
nowhere
gc
`)
	require.Equal(t, []string{"gc ──► nowhere", "clock, nowhere", "nowhere"}, d.unclear)
	require.Equal(t, []string{"examples", "contrib/hostprom"}, d.trees)
	require.Equal(t, map[string][]string{
		"hostmgr/share":                 {"clock", "hostmgr/internal/shared", "hostmgr", "hostmgr/share/internal/member"},
		"hostmgr/share/internal/member": {"hostmgr/share/internal/feed", "hostmgr/share/internal/record"},
		"hostmgr":                       {"hostmgr/internal/pacing", "clock", "histogram"},
		"hostmgr/internal/pacing":       nil,
		"clock":                         nil,
		"histogram":                     nil,
		"gc":                            nil,
	}, d.imports)
	require.True(t, d.shows("examples/x/y"))
	require.False(t, d.shows("contrib/hostredis"))
}

func TestThePictureShowsEachFolder(t *testing.T) {
	require.Empty(t, picture.unclear, "ARCHITECTURE.md, Packages: no such folder")
	top, err := os.ReadDir(root)
	require.NoError(t, err)
	for _, f := range top {
		if f.IsDir() && !strings.HasPrefix(f.Name(), ".") && f.Name() != "contrib" && f.Name() != "internal" {
			require.True(t, picture.shows(f.Name()), "ARCHITECTURE.md does not show the folder %s", f.Name())
		}
	}
	for folder, imports := range packages(t) {
		require.True(t, picture.shows(folder), "ARCHITECTURE.md does not show the package %s", folder)
		require.ElementsMatch(t, without(picture.imports[folder], "hostmgr"), without(imports, "hostmgr"),
			"ARCHITECTURE.md shows other imports of %s", folder)
	}
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}

// packages returns the folders of the root module that have Go files, with those of our packages that
// files other than tests import.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	require.NoError(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		rel, err := filepath.Rel(root, name)
		require.NoError(t, err)
		folder := path.Dir(filepath.ToSlash(rel))
		switch {
		case rel == ".":
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || slices.Contains(picture.trees, filepath.ToSlash(rel))):
			return filepath.SkipDir
		case filepath.Ext(name) != ".go" || folder == ".":
		case strings.HasSuffix(name, "_test.go"):
			found[folder] = append(found[folder], "")
		default:
			found[folder] = append(found[folder], importsOf(t, name)...)
		}
		return nil
	}))
	for folder, imports := range found {
		slices.Sort(imports)
		found[folder] = without(slices.Compact(imports), "")
	}
	return found
}

// importsOf returns our packages that a file imports.
func importsOf(t *testing.T, name string) (imports []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	require.NoError(t, err)
	for _, spec := range file.Imports {
		quoted, _ := strconv.Unquote(spec.Path.Value)
		if imported, ours := strings.CutPrefix(quoted, module); ours {
			imports = append(imports, imported)
		}
	}
	return imports
}
