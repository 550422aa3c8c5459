// Command peer is one or many hosts that announce themselves to a Dragonfly
// scheduler. See -help.
package main

import (
	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/peerd"
)

func main() { cli.Main(peerd.Main) }
