package cluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// A cable is one peer's connection to the scheduler: a proxy that can fail.
type cable struct{ proxy *toxiproxy.Proxy }

// A fault is a way to fail. With toxics the connections stay, new ones are
// accepted, and in both directions nothing comes through; without, all are reset
// and new ones are refused.
type fault struct{ name, toxic string }

var faults = []fault{
	{name: "cut"},
	// Packets vanish. When the network is back the proxy closes the connections that lost some.
	{name: "black hole", toxic: `"type": "timeout", "attributes": {"timeout": 0}`},
	// Packets arrive when the network is back, as if TCP had repeated them.
	{name: "hold", toxic: `"type": "latency", "attributes": {"latency": 3600000}`},
}

var directions = []string{"upstream", "downstream"}

func lay(to string) (*cable, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	c := &cable{proxy: toxiproxy.NewProxy(server, "cable", "127.0.0.1:0", to)}
	return c, c.proxy.Start()
}

func (c *cable) address() string { return c.proxy.Listen }

func (c *cable) lose(f fault) error {
	if f.toxic == "" {
		c.proxy.Stop()
		return nil
	}
	for _, d := range directions {
		toxic := fmt.Sprintf(`{"name": %q, "stream": %q, %s}`, d, d, f.toxic)
		if _, err := c.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			return err
		}
	}
	return nil
}

// restore may find the port used for a moment, by another connection.
func (c *cable) restore(f fault) error {
	if f.toxic == "" {
		return poll(context.Background(), time.Millisecond, time.Second, func() bool { return c.proxy.Start() == nil })
	}
	for _, d := range directions {
		if err := c.proxy.Toxics.RemoveToxic(context.Background(), d); err != nil {
			return err
		}
	}
	return nil
}
