package dragonfly_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	storesUpdatedAt = regexp.MustCompile(`\b[hH]ost\.UpdatedAt\.Store\(`)
	callsHeard      = regexp.MustCompile(`\bhostManager\.Heard\(|\bHostManager\(\)\.Heard\(`)
)

// The places that MIGRATING.md names are all places where Dragonfly's scheduler stores UpdatedAt of
// a host, in the version that go.mod requires. It names no other lines.
func TestPlacesOfHeard(t *testing.T) {
	found := linesWith(t, sourceOfTheirs(t), storesUpdatedAt)
	migrating, err := os.ReadFile("MIGRATING.md")
	require.NoError(t, err)
	named := regexp.MustCompile("`\\w+\\.go` \\d+").FindAllString(string(migrating), -1)
	require.ElementsMatch(t, found, named)
	require.Len(t, named, 6)
}

// linesWith returns the lines of Dragonfly's scheduler that match, as "`file` line". It leaves out
// tests, and the host managers that persist hosts.
func linesWith(t *testing.T, source string, pattern *regexp.Regexp) []string {
	t.Helper()
	var found []string
	require.NoError(t, filepath.WalkDir(filepath.Join(source, "scheduler"), func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "persistent"):
			return fs.SkipDir
		case filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(name)
		for i, line := range strings.Split(string(text), "\n") {
			if pattern.MatchString(line) {
				found = append(found, fmt.Sprintf("`%s` %d", filepath.Base(name), i+1))
			}
		}
		return err
	}))
	return found
}
