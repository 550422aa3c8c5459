package main

import (
	"bytes"
	"testing"
)

func TestEmbed(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	want := "silent evicted: freeing what silent had\nsteady left: freeing what steady had\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
}
