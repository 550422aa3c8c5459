package repo

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestModules(t *testing.T) {
	r, err := Open(".")
	require.NoError(t, err)
	modules, err := r.Modules()
	require.NoError(t, err)
	const root = "github.com/hostlife/hostlife"
	require.Equal(t, Module{root, "."}, modules[0])
	require.Contains(t, modules, Module{root + "/contrib/hostprom", "contrib/hostprom"})
	require.NotContains(t, modules, Module{root + "/internal/release", "internal/release"})

	require.Equal(t, "v0.1.0", Module{root, "."}.Tag("v0.1.0"))
	require.Equal(t, "contrib/hostprom/v0.1.0", Module{root + "/contrib/hostprom", "contrib/hostprom"}.Tag("v0.1.0"))
	require.Equal(t, "go.mod", Module{root, "."}.GoMod())
}

func TestChangelog(t *testing.T) {
	const (
		intro    = "# Changelog\n\n"
		headings = "## [Unreleased]\n\n## [0.1.0] - 2026-12-31\n\n"
		entries  = "### Added\n\n- A house.\n\n### Changed\n\n- Its door.\n"
	)
	for name, before := range map[string]string{
		"no section of the version": intro + "## [Unreleased]\n\n" + entries,
		"a prepared section":        intro + "## [Unreleased]\n\n## [0.1.0] - not yet tagged\n\n" + entries,
	} {
		after, err := Dated(before, "v0.1.0", "2026-12-31")
		require.NoError(t, err, name)
		require.Equal(t, intro+headings+entries, after, name)
	}
	for text, before := range map[string]string{
		"no section [Unreleased]":          intro + entries,
		"no entry in [Unreleased]":         intro + "## [Unreleased]\n\n## [0.0.9]\n\n" + entries,
		"move the entries of [Unreleased]": intro + "## [Unreleased]\n\n- A roof.\n\n## [0.1.0]\n\n" + entries,
	} {
		_, err := Dated(before, "v0.1.0", "2026-12-31")
		require.ErrorContains(t, err, text)
	}
}

func TestPart(t *testing.T) {
	section, err := Unreleased("## [Unreleased]\n\n### Changed\n\n- A door.\n\n### Removed\n\n- A wall.\n\n## [0.1.0]\n\n### Changed\n\n- A roof.\n")
	require.NoError(t, err)
	require.Equal(t, "\n- A door.\n", Part(section, "Changed"))
	require.Equal(t, "\n- A wall.", Part(section, "Removed"))
	require.Empty(t, Part(section, "Added"))
}
