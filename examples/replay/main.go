// Command replay plays a real trace of outages against policies, on simulated time. See -help.
package main

import (
	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/replay"
)

func main() { cli.Main(replay.Main) }
