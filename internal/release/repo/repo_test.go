package repo_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/internal/release/repo"
	"github.com/hostlife/hostlife/internal/release/repo/repotest"
)

func TestModules(t *testing.T) {
	modules, err := repotest.Ours(t).Modules()
	require.NoError(t, err)
	const root = "github.com/hostlife/hostlife"
	require.Equal(t, repo.Module{root, "."}, modules[0])
	require.Contains(t, modules, repo.Module{root + "/contrib/hostprom", "contrib/hostprom"})
	require.NotContains(t, modules, repo.Module{root + "/internal/release", "internal/release"})

	require.Equal(t, "v0.1.0", repo.Module{root, "."}.Tag("v0.1.0"))
	require.Equal(t, "contrib/hostprom/v0.1.0", repo.Module{root + "/contrib/hostprom", "contrib/hostprom"}.Tag("v0.1.0"))
	require.Equal(t, "go.mod", repo.Module{root, "."}.GoMod())
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
		after, err := repo.Dated(before, "v0.1.0", "2026-12-31")
		require.NoError(t, err, name)
		require.Equal(t, intro+headings+entries, after, name)
	}
	for text, before := range map[string]string{
		"no section [Unreleased]":          intro + entries,
		"no entry in [Unreleased]":         intro + "## [Unreleased]\n\n## [0.0.9]\n\n" + entries,
		"move the entries of [Unreleased]": intro + "## [Unreleased]\n\n- A roof.\n\n## [0.1.0]\n\n" + entries,
	} {
		_, err := repo.Dated(before, "v0.1.0", "2026-12-31")
		require.ErrorContains(t, err, text)
	}
}

func TestPart(t *testing.T) {
	section, err := repo.Unreleased("## [Unreleased]\n\n### Changed\n\n- A door.\n\n### Removed\n\n- A wall.\n\n## [0.1.0]\n\n### Changed\n\n- A roof.\n")
	require.NoError(t, err)
	require.Equal(t, "\n- A door.\n", repo.Part(section, "Changed"))
	require.Equal(t, "\n- A wall.", repo.Part(section, "Removed"))
	require.Empty(t, repo.Part(section, "Added"))
}
