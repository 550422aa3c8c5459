package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"github.com/hostlife/hostlife/internal/release/repo"
)

// A release is a version of all modules of a repository.
type release struct {
	repo    repo.Repo
	version string
	date    string
	modules []repo.Module // check finds them
}

// check finds the modules, and what stands in the way of the release.
func (r *release) check() (err error) {
	if semver.Canonical(r.version) != r.version || semver.Major(r.version) > "v1" {
		return fmt.Errorf("%q is no version from v0.0.0 on and below v2.0.0", r.version)
	}
	if _, err := time.Parse(time.DateOnly, r.date); err != nil {
		return fmt.Errorf("%q is no date such as 2026-12-31", r.date)
	}
	if changed, err := r.repo.Git("status", "--porcelain"); err != nil || changed != "" {
		return errors.Join(err, errors.New("the work tree has changes:\n"+changed))
	}
	if r.modules, err = r.repo.Modules(); err != nil {
		return err
	}
	for _, tag := range r.tags() {
		if found, err := r.repo.Git("tag", "--list", tag); err != nil || found != "" {
			return errors.Join(err, fmt.Errorf("the tag %s exists", tag))
		}
	}
	if err := r.checkNewest(); err != nil {
		return err
	}
	_, err = r.dated()
	return err
}

// checkNewest returns an error if a version that is tagged is as new as the one to release.
func (r *release) checkNewest() error {
	tags, err := r.repo.Git("tag", "--list", "v*")
	for tag := range strings.FieldsSeq(tags) {
		if semver.Compare(tag, r.version) >= 0 {
			return fmt.Errorf("%s is not above %s, which is tagged", r.version, tag)
		}
	}
	return err
}

// tags returns the tag of each module.
func (r *release) tags() (tags []string) {
	for _, m := range r.modules {
		tags = append(tags, m.Tag(r.version))
	}
	return tags
}

// do makes the commit and the tags. If one of them fails, the repository is as before.
func (r *release) do() error {
	before, err := r.repo.Git("rev-parse", "HEAD")
	if err != nil {
		return err
	}
	undo := [][]string{{"reset", "--hard", "--quiet", before}}
	if err = r.commit(); err == nil {
		for _, tag := range r.tags() {
			if _, err = r.repo.Git("tag", "--annotate", "--message", tag, tag); err != nil {
				break
			}
			undo = append(undo, []string{"tag", "--delete", tag})
		}
	}
	if err == nil {
		return nil
	}
	for _, command := range undo {
		_, undone := r.repo.Git(command...)
		err = errors.Join(err, undone)
	}
	return err
}

func (r *release) commit() error {
	if err := r.dateChangelog(); err != nil {
		return err
	}
	for _, m := range r.modules {
		if err := r.require(m); err != nil {
			return err
		}
	}
	for _, m := range r.modules {
		if err := tidy(filepath.Join(r.repo.Dir, m.Dir)); err != nil {
			return err
		}
	}
	_, err := r.repo.Git("commit", "--all", "--quiet", "--message", "all: release "+r.version)
	return err
}

func (r *release) dateChangelog() error {
	text, err := r.dated()
	if err != nil {
		return err
	}
	return r.repo.SetChangelog(text)
}

// dated returns the changelog with the date of the release.
func (r *release) dated() (string, error) {
	text, err := r.repo.Changelog()
	if err != nil {
		return "", err
	}
	return repo.Dated(text, r.version, r.date)
}

// require writes the version of the release into a go.mod, for each of our modules that it requires.
func (r *release) require(m repo.Module) error {
	name := filepath.Join(r.repo.Dir, m.GoMod())
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	file, err := modfile.Parse(m.GoMod(), data, nil)
	if err != nil {
		return err
	}
	for _, other := range r.modules {
		if requires(file, other.Path) {
			if err := file.AddRequire(other.Path, r.version); err != nil {
				return err
			}
		}
	}
	if data, err = file.Format(); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}

func requires(file *modfile.File, path string) bool {
	for _, req := range file.Require {
		if req.Mod.Path == path {
			return true
		}
	}
	return false
}

// tidy reports what go mod tidy would change in a module.
func tidy(dir string) error {
	_, err := repo.Run(dir, []string{"GOWORK=off", "GOFLAGS="}, "go", "mod", "tidy", "-diff")
	return err
}
