package harness

import (
	"ordeal/history"
	"ordeal/workloads"
)

// startListed lets each client call what the plan lists for it. The load is over when all of it has
// ended.
func (d *driver) startListed() {
	for _, mine := range d.plan.Operations.ByClient() {
		c := &client{number: mine[0].Operation.Client, process: d.newProcess()}
		d.clients = append(d.clients, c)
		d.listing++
		d.nextListed(c, mine)
	}
}

// nextListed calls the first operation of a list when it is due, and then the others.
func (d *driver) nextListed(c *client, mine []workloads.Due) {
	if len(mine) == 0 {
		d.listing--
		d.maybeRecover()
		return
	}
	d.env.After(max(0, mine[0].At-d.now()), func() {
		if !d.loaded() {
			return
		}
		d.call(mine[0].Operation, &c.process, func(history.Operation) { d.nextListed(c, mine[1:]) })
	})
}
