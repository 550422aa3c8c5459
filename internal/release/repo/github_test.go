package repo_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/hostlife/hostlife/internal/release/repo"
	"github.com/hostlife/hostlife/internal/release/repo/repotest"
)

// read parses a file of the folder .github.
func read(t *testing.T, name string, into any) repo.Repo {
	t.Helper()
	r := repotest.Ours(t)
	text, err := os.ReadFile(filepath.Join(r.Dir, ".github", name))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into))
	return r
}

func TestDependabotKnowsEachModule(t *testing.T) {
	var config struct {
		Updates []struct {
			Ecosystem   string   `yaml:"package-ecosystem"`
			Directory   string   `yaml:"directory"`
			Directories []string `yaml:"directories"`
		}
	}
	r := read(t, "dependabot.yml", &config)
	folders := map[string][]string{}
	for _, u := range config.Updates {
		folders[u.Ecosystem] = append(u.Directories, u.Directory)
	}
	require.Contains(t, folders["github-actions"], "/")

	files, err := r.Git("ls-files", "go.mod", "*/go.mod")
	require.NoError(t, err)
	want := []string{""} // Directory
	for file := range strings.FieldsSeq(files) {
		want = append(want, path.Join("/", path.Dir(file)))
	}
	require.ElementsMatch(t, want, folders["gomod"])
}

// CI runs the Go of go.mod, and the newest one. Actions are pinned, because a tag can be moved.
func TestTheWorkflow(t *testing.T) {
	type job struct {
		Strategy struct {
			Matrix struct{ Go []string }
		}
		Timeout int `yaml:"timeout-minutes"`
		Steps   []struct{ Uses, Run string }
	}
	var workflow struct {
		Permissions map[string]string
		Jobs        map[string]job
	}
	r := read(t, "workflows/ci.yml", &workflow)
	require.Equal(t, map[string]string{"contents": "read"}, workflow.Permissions)

	mod, err := os.ReadFile(filepath.Join(r.Dir, "go.mod"))
	require.NoError(t, err)
	oldest := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	require.Equal(t, []string{string(oldest[1]), "1"}, workflow.Jobs["run"].Strategy.Matrix.Go)

	var runs []string
	for name, j := range workflow.Jobs {
		require.Positive(t, j.Timeout, name)
		for _, step := range j.Steps {
			require.Regexp(t, `^([\w-]+/[\w-]+@[0-9a-f]{40})?$`, step.Uses, name)
			runs = append(runs, step.Run)
		}
	}
	require.Contains(t, runs, "bash .ci/run")
	require.Contains(t, strings.Join(runs, "\n"), "golang.org/x/vuln/cmd/govulncheck@v")
}
