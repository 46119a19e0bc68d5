import type { GeneralComponent } from 'glass-easel'

/** Where the browser finds a picture: the files of the mini program are under `/files/`; all else is where it is. */
export function fileUrl(component: GeneralComponent, path: string): string {
  if (path === '' || /^[a-z][\w+.-]*:|^\/\//i.test(path)) return path
  const owner = component.ownerShadowRoot?.getHostNode().is ?? ''
  return `/files${new URL(path, `weapp:///${owner}`).pathname}`
}
