package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func house(t *testing.T, files map[string]string) *counts {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("package p\n"+text), 0o600))
	}
	c, err := load(dir)
	require.NoError(t, err)
	return c
}

func TestCycles(t *testing.T) {
	c := house(t, map[string]string{
		"a.go":      "type A[M any] struct { x, y int; b *B }\nfunc (a *A[M]) F() { a.b.G() }",
		"b.go":      "type B struct{}\nfunc (*B) G() {}\nfunc (*B) H() { var a A[int]; a.F() }",
		"c.go":      "var c = missing.Name + D{}.x",
		"d.go":      "type D struct{ x int }",
		"e_test.go": "var _ = c",
	})
	require.Equal(t, []string{"a.go", "b.go"}, c.largestCycle())
	require.Equal(t, map[string]int{"A": 1, "B": 2, "D": 0}, c.methods)
	require.Equal(t, map[string]int{"A": 3, "B": 0, "D": 1}, c.fields)
	require.Equal(t, map[string]bool{"d.go": true}, c.uses["c.go"])
}

func TestLimits(t *testing.T) {
	c := house(t, map[string]string{
		"a.go": "type A int\nfunc (A) F() { g() }\nfunc (A) G() {}",
		"b.go": "func g() { A(0).G() }\nconst B = 1",
	})
	for _, row := range []struct {
		cycle, methods, exported int
		want                     string
	}{
		{2, 2, 2, ""},
		{0, 0, 0, ""},
		{1, 2, 2, "a cycle has 2 files, more than 1\n"},
		{2, 1, 2, "A has 2 methods, more than 1\n"},
		{2, 2, 1, "2 exported names, more than 1\n"},
	} {
		var out bytes.Buffer
		require.Equal(t, row.want == "", c.within(&out, row.cycle, row.methods, row.exported))
		require.Equal(t, row.want, out.String())
	}
}

func TestNoCycle(t *testing.T) {
	require.Empty(t, house(t, map[string]string{"a.go": "var a = b", "b.go": "var b = 1"}).largestCycle())
	_, err := load(t.TempDir())
	require.Error(t, err)
}
