Component({
  properties: { cents: Number },
})
