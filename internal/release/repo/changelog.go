package repo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	changelogFile = "CHANGELOG.md"
	unreleased    = "## [Unreleased]\n"
)

// Changelog returns the text of CHANGELOG.md.
func (r Repo) Changelog() (string, error) {
	data, err := os.ReadFile(filepath.Join(r.Dir, changelogFile))
	return string(data), err
}

// SetChangelog replaces the text of CHANGELOG.md.
func (r Repo) SetChangelog(text string) error {
	return os.WriteFile(filepath.Join(r.Dir, changelogFile), []byte(text), 0o644)
}

// Unreleased returns the section [Unreleased] of a changelog, without its heading.
func Unreleased(changelog string) (string, error) {
	_, rest, ok := strings.Cut(changelog, unreleased)
	if !ok {
		return "", errors.New("the changelog has no section [Unreleased]")
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	return strings.TrimSpace(section), nil
}

// Dated returns a changelog with the date of a version in the heading of its section. If the
// version has no section yet, that is [Unreleased] under a new heading.
func Dated(changelog, version, date string) (string, error) {
	number := strings.TrimPrefix(version, "v")
	heading := fmt.Sprintf("## [%s] - %s\n", number, date)
	entries, err := Unreleased(changelog)
	if err != nil {
		return "", err
	}
	prepared := regexp.MustCompile(`(?m)^## \[` + regexp.QuoteMeta(number) + `\].*\n`)
	switch found := prepared.FindString(changelog); {
	case found == "" && entries == "":
		return "", errors.New("the changelog has no entry in [Unreleased]")
	case found == "":
		return strings.Replace(changelog, unreleased, unreleased+"\n"+heading, 1), nil
	case entries != "":
		return "", fmt.Errorf("the changelog has a section [%s], so move the entries of [Unreleased] to it", number)
	default:
		return strings.Replace(changelog, found, heading, 1), nil
	}
}

// Part returns the entries of a section of a changelog under a heading such as Changed.
func Part(section, heading string) string {
	_, rest, _ := strings.Cut("\n"+section, "\n### "+heading+"\n")
	part, _, _ := strings.Cut(rest, "\n### ")
	return part
}
