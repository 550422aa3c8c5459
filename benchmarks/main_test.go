package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/hostlife/hostlife/benchmarks/internal/measure"
	"github.com/hostlife/hostlife/benchmarks/internal/peers"
	"github.com/hostlife/hostlife/benchmarks/internal/report"
	"github.com/hostlife/hostlife/internal/effort"
)

// TestProgram runs all of it at a size that takes seconds, and reads the last line as
// a program would.
func TestProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	compared := "hostlife,heap"
	if effort.Full() {
		compared = "hostlife,syncmap,heap,timers,dragonfly"
	}
	var stdout, stderr bytes.Buffer
	args := []string{"-quick", "-n", "200", "-rounds", "1", "-json", "-peer", compared}
	if err := run(context.Background(), args, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	var got struct {
		N    int
		Rows []report.Row
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatal(err)
	}
	if got.N != 200 {
		t.Errorf("n is %d", got.N)
	}
	of := map[string]float64{}
	for _, r := range got.Rows {
		of[r.Measure+" "+r.Peer] = r.Value
	}
	for _, m := range measure.All {
		peer := peers.All[0].Name
		if m.Measure == "limits" {
			peer = "dram"
		}
		if _, ok := of[m.Measure+" "+peer]; !ok {
			t.Errorf("no %s of %s", m.Measure, peer)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-measure beat_2", "there are limits, beat_1"},
		{"-peer redis", "there are hostlife, syncmap"},
		{"-n 0", "from 16 to"},
		{"-rounds 0", "at least one"},
		{"-plot x.svg -n 100", "begins with 10000"},
		{"something", "don't know"},
	} {
		err := run(context.Background(), strings.Fields(c.args), &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.args, err)
		}
	}
}
