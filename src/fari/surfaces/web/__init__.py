"""The dashboard: pages made on the server, each a URL, each with its data under the same path as `.json` and `.csv`.

`view` is what a URL says; `scene` the company seen through it; `site` keeps what was computed; `pages` has a module per page; `charts` draws;
`door` lets in; `app` joins them; `desk` keeps what is done here.
"""
