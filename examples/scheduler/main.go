// Command scheduler is a gRPC server that speaks Dragonfly's scheduler API and
// has its hosts kept by a hostmgr.Registry. See -help.
package main

import (
	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/examples/internal/stores"
)

func main() { cli.Main(schedulerd.Command(stores.Engines{})) }
