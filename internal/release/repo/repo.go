// Package repo reads a git repository of several Go modules: its modules and its changelog.
package repo

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// A Repo is a git work tree whose root folder has a module.
type Repo struct{ Dir string }

// Open returns the repository that has the folder dir.
func Open(dir string) (Repo, error) {
	root, err := Repo{dir}.Git("rev-parse", "--show-toplevel")
	return Repo{filepath.FromSlash(root)}, err
}

// Git runs git and returns what it prints, without the last line break.
func (r Repo) Git(args ...string) (string, error) {
	return Run(r.Dir, nil, "git", args...)
}

// Run runs a program in a folder, with additional environment variables, and returns what it
// prints. An error has what the program wrote to stderr.
func Run(dir string, env []string, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s%s", program, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return strings.TrimRight(string(out), "\n"), err
}

// A Module is a module of the repository.
type Module struct {
	Path string
	Dir  string // from the root of the repository; "." is the root module
}

// Tag is the tag of a version of the module. The go command finds it by the module's folder.
func (m Module) Tag(version string) string { return path.Join(m.Dir, version) }

// GoMod is the path of the module's go.mod from the root of the repository.
func (m Module) GoMod() string { return path.Join(m.Dir, "go.mod") }

// Modules returns the modules that others can require, the root module first. Those are all that
// git tracks, except modules below a folder named internal or testdata.
func (r Repo) Modules() ([]Module, error) {
	files, err := r.Git("ls-files", "go.mod", "*/go.mod")
	if err != nil {
		return nil, err
	}
	var modules []Module
	for _, file := range strings.Fields(files) {
		dir := path.Dir(file)
		if slashed := "/" + dir + "/"; strings.Contains(slashed, "/internal/") || strings.Contains(slashed, "/testdata/") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(r.Dir, file))
		if err != nil {
			return nil, err
		}
		m := Module{modfile.ModulePath(data), dir}
		if dir == "." {
			modules = append([]Module{m}, modules...)
		} else {
			modules = append(modules, m)
		}
	}
	if len(modules) == 0 || modules[0].Dir != "." {
		return nil, fmt.Errorf("%s has no module in its root folder", r.Dir)
	}
	return modules, nil
}
