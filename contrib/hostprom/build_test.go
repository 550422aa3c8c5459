package hostprom

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersion(t *testing.T) {
	const path = "github.com/hostlife/hostlife"
	program := debug.Module{Path: "example.com/program", Version: "v9.9.9"}
	replaced := func(by string) *debug.Module {
		return &debug.Module{Path: path, Version: "v0.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: by}}
	}
	for want, info := range map[string]*debug.BuildInfo{
		"v1.2.3":  {Main: program, Deps: []*debug.Module{{Path: path + "/contrib/hostprom", Version: "v8.8.8"}, {Path: path, Version: "v1.2.3"}}},
		"v1.2.4":  {Main: debug.Module{Path: path, Version: "v1.2.4"}},
		"v1.2.5":  {Main: program, Deps: []*debug.Module{replaced("v1.2.5")}},
		"(devel)": {Main: program, Deps: []*debug.Module{replaced("(devel)")}},
		"unknown": {Main: program},
	} {
		require.Equal(t, want, version(info))
	}
	require.Equal(t, "unknown", version(nil), "built without modules")
	require.Equal(t, "unknown", version(&debug.BuildInfo{Main: debug.Module{Path: path}}), "not stamped")
}
