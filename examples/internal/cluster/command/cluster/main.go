// Command cluster runs a scheduler and its peers as real processes and does to them what happens to
// clusters. See -help. Package examples/cluster compiles it, and becomes it.
package main

import (
	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/cluster"
)

func main() { cli.Main(cluster.Main) }
