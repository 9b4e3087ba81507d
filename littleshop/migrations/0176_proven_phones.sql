-- Which phones a browser has proven: asked when somebody has a privilege in a shop.

create index phone_browsers_by_browser on phone_browsers (browser);
